using System.Diagnostics;
using Milena.Bench.Measuring;

namespace Milena.Bench.Processes;

/// <summary>A process that we have started: its output line by line, its CPU time. Killed when disposed.</summary>
internal class Child : IDisposable
{
    private static double endedSeconds; // CPU of those that are gone
    private static readonly List<Child> Living = [];
    private readonly Process process;
    private bool isDisposed;

    public Child(string program, IEnumerable<string> arguments, string? errorPath = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = errorPath is not null,
        };
        process = Process.Start(start)!;
        StartedAt = Stopwatch.GetTimestamp();
        if (errorPath is not null)
        {
            process.ErrorDataReceived += (_, line) =>
            {
                if (line.Data is not null)
                    File.AppendAllText(errorPath, line.Data + "\n");
            };
            process.BeginErrorReadLine();
        }

        Living.Add(this);
    }

    /// <summary>Kills all that still run. For an end that nobody has planned.</summary>
    public static void DisposeAll()
    {
        foreach (var child in Living.ToArray())
            child.Dispose();
    }

    /// <summary>CPU seconds of this process and of all that it has started, so far.</summary>
    public static double OurCpuSeconds() =>
        ProcessMeter.CpuSeconds(Environment.ProcessId) + endedSeconds + Living.Sum(child => child.CpuSeconds);

    public int Id => process.Id;

    public long StartedAt { get; }

    public double CpuSeconds => ProcessMeter.CpuSeconds(Id);

    public bool HasExited => process.HasExited;

    public string ReadLine() =>
        process.StandardOutput.ReadLine()
        ?? throw new InvalidOperationException($"{process.StartInfo.FileName} ended: exit code {ExitCode()}");

    public void WriteLine(string line) => process.StandardInput.WriteLine(line);

    /// <summary>Asks it to stop, and waits until it has.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{Id}"]);
        process.WaitForExit();
        Dispose();
    }

    /// <summary>kill -9.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        endedSeconds += CpuSeconds;
        Living.Remove(this);
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    private int ExitCode()
    {
        process.WaitForExit();
        return process.ExitCode;
    }
}
