using System.Globalization;

namespace Milena.Bench.Processes;

/// <summary>One of our workers, started and ready.</summary>
internal sealed class WorkerProcess : Child
{
    public WorkerProcess(params object[] arguments)
        : base(Environment.ProcessPath!, arguments.Select(Text).Prepend("worker"))
    {
        if (ReadLine() is not "ready" and var line)
            throw new InvalidOperationException(line);
    }

    public void Go() => WriteLine("go");

    /// <summary>Waits for its result: seconds, then what the worker says.</summary>
    public double[] Result() => [.. ReadLine().Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];

    private static string Text(object argument) => Convert.ToString(argument, CultureInfo.InvariantCulture)!;
}
