using Microsoft.Extensions.Logging;

namespace Milena.Broker.Tests;

/// <summary>Keeps the lines of the log from warnings upwards; whoever waits for one is told.</summary>
internal sealed class LinesLogger : ILoggerFactory, ILogger
{
    private readonly List<string> lines = [];
    private readonly List<(Func<string, bool> IsWanted, TaskCompletionSource<string> Found)> waiting = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines)
                return [.. lines];
        }
    }

    /// <summary>Completes with the first line that contains the text.</summary>
    public Task<string> Line(string text)
    {
        lock (lines)
        {
            if (lines.Find(line => line.Contains(text)) is { } line)
                return Task.FromResult(line);
            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((candidate => candidate.Contains(text), found));
            return found.Task;
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var line = $"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" {exception}")}";
        lock (lines)
        {
            lines.Add(line);
            foreach (var (_, found) in waiting.Where(one => one.IsWanted(line)))
                found.TrySetResult(line);
        }
    }
}
