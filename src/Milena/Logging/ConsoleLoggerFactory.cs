using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Milena.Broker;

namespace Milena.Logging;

/// <summary>
/// Loggers that write one line for each event: time (UTC), level, category, message, and the exception's message if there
/// is one; the stack follows only from level error on, indented. Small enough to cost a server's start nothing.
/// </summary>
internal sealed class ConsoleLoggerFactory(Stream output, LogFilter filter, TimeProvider time) : ILoggerFactory, ILogLevels
{
    private const string Root = "Milena.";

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<string, ConsoleLogger> loggers = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, LogLevel> Levels => new Dictionary<string, LogLevel>(
        loggers.Select(logger => KeyValuePair.Create(logger.Key, logger.Value.Least)), StringComparer.Ordinal)
    {
        [ILogLevels.Root] = filter.LeastLevel(""),
    };

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        loggers.GetOrAdd(categoryName, name => new ConsoleLogger(this, name) { Least = filter.LeastLevel(name) });

    /// <inheritdoc/>
    public void Set(string logger, LogLevel? level)
    {
        filter.Set(logger == ILogLevels.Root ? "" : logger, level);
        foreach (var (name, known) in loggers)
            known.Least = filter.LeastLevel(name);
    }

    /// <summary>There are no other providers.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new InvalidOperationException("this factory writes to one stream");

    /// <inheritdoc/>
    public void Dispose() => output.Flush();

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        var line = new StringBuilder()
            .Append(time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))
            .Append(' ').Append(Name(level))
            .Append(' ').Append(category.StartsWith(Root, StringComparison.Ordinal) ? category.AsSpan(Root.Length) : category)
            .Append(": ").Append(OneLine(message));
        if (exception is not null)
            line.Append(" | ").Append(exception.GetType().Name).Append(": ").Append(OneLine(exception.Message));
        line.Append('\n');
        if (exception is not null && level >= LogLevel.Error)
            line.Append("    ").Append(exception.ToString().ReplaceLineEndings("\n    ")).Append('\n');

        var bytes = Encoding.UTF8.GetBytes(line.ToString());
        lock (gate)
            output.Write(bytes);
    }

    // A client's name or a topic's may hold anything; it must not be able to write lines of its own.
    private static string OneLine(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
            return text;
        return string.Create(text.Length, text, (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                target[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "TRACE",
        LogLevel.Debug => "DEBUG",
        LogLevel.Information => "INFO ",
        LogLevel.Warning => "WARN ",
        _ => "ERROR",
    };

    private sealed class ConsoleLogger(ConsoleLoggerFactory factory, string category) : ILogger
    {
        private volatile LogLevel least;

        public required LogLevel Least
        {
            get => least;
            set => least = value;
        }

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                factory.Write(logLevel, category, formatter(state, exception), exception);
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
