using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Milena.Interop.Harness;

/// <summary>A program that runs beside the test. It never outlives the object: disposing kills it.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly Process process;
    private readonly Task output;
    private readonly Task errors;
    private readonly ConcurrentQueue<string> errorLines = new();

    private ChildProcess(string name, Process process, Action<string> onOutput, Action<string>? onError)
    {
        Name = name;
        this.process = process;
        output = ReadLines(process.StandardOutput, onOutput);
        errors = ReadLines(process.StandardError, line =>
        {
            errorLines.Enqueue(line);
            onError?.Invoke(line);
        });
    }

    public string Name { get; }

    public int Id => process.Id;

    /// <summary>What it has said on standard error so far.</summary>
    public IReadOnlyList<string> ErrorLines => [.. errorLines];

    /// <summary>Done once the program has ended and all it wrote has been read.</summary>
    public Task Ended => Task.WhenAll(process.WaitForExitAsync(), output, errors);

    /// <summary>Starts the program; both of its outputs are read line by line until they end.</summary>
    public static ChildProcess Start(
        string name,
        string program,
        IEnumerable<string> arguments,
        Action<string> onOutput,
        Action<string>? onError = null,
        IReadOnlyDictionary<string, string>? environment = null,
        string? directory = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? Repository.Drivers,
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        return new ChildProcess(name, Process.Start(start)!, onOutput, onError);
    }

    /// <summary>Runs the program to its end and gives what it wrote.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> Run(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var lines = new ConcurrentQueue<string>();
        await using var child = Start(program, program, arguments, lines.Enqueue, null, environment, directory);
        child.CloseInput();
        var exitCode = await child.Exit(Deadline.Default);
        return (exitCode, string.Join('\n', lines), string.Join('\n', child.ErrorLines));
    }

    public void CloseInput() => process.StandardInput.Close();

    /// <summary>Asks it to stop, as <c>kill</c> and service managers do.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>kill -9: no handler runs, no buffer is written.</summary>
    public void Kill() => process.Kill();

    /// <summary>Waits for the end of the program and of its output; gives its exit code.</summary>
    public async Task<int> Exit(TimeSpan within)
    {
        try
        {
            await Ended.WaitAsync(within);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{Name} did not end within {within.TotalSeconds} s. It said:\n{string.Join('\n', ErrorLines)}");
        }
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill();
        await Exit(Deadline.Default);
        process.Dispose();
    }

    private static async Task ReadLines(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync() is { } line)
            onLine(line);
    }

    private void Signal(int signal)
    {
        if (SendSignal(process.Id, signal) != 0)
            throw new InvalidOperationException($"cannot signal {Name}: error {Marshal.GetLastPInvokeError()}");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);
}

/// <summary>How long a test waits for what should happen soon: long enough for a busy machine, short enough to fail.</summary>
internal static class Deadline
{
    public static TimeSpan Default { get; } = TimeSpan.FromSeconds(60);

    /// <summary>For all 200,000 records through one of the slower clients.</summary>
    public static TimeSpan Long { get; } = TimeSpan.FromMinutes(4);
}
