using System.Diagnostics;
using System.Globalization;

namespace Milena.Bench.Workers;

/// <summary>
/// A client in a process of its own. It connects and warms up, says "ready", waits for a line, works, and prints its result as
/// one line of numbers.
/// </summary>
internal static class Worker
{
    /// <summary>Waits for the word to begin, runs, and prints the seconds that it took before the numbers.</summary>
    public static void Measure(Func<double[]> work)
    {
        Console.WriteLine("ready");
        Console.ReadLine();
        var started = Stopwatch.GetTimestamp();
        var numbers = work();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine(string.Join(' ', numbers.Prepend(seconds).Select(number => number.ToString("R", CultureInfo.InvariantCulture))));
    }
}
