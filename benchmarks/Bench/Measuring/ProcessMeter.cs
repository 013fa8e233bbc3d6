using System.Globalization;

namespace Milena.Bench.Measuring;

/// <summary>What the kernel knows of a process: CPU seconds and resident memory.</summary>
internal static class ProcessMeter
{
    private const double TicksPerSecond = 100; // USER_HZ, on every Linux that we meet

    /// <summary>CPU seconds used so far, user and kernel; 0 for a process that is gone.</summary>
    public static double CpuSeconds(int processId)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{processId}/stat");
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            return (Parse(fields[11]) + Parse(fields[12])) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Resident bytes now.</summary>
    public static long ResidentBytes(int processId) => Status(processId, "VmRSS:");

    /// <summary>The most resident bytes that there have been.</summary>
    public static long PeakResidentBytes(int processId) => Status(processId, "VmHWM:");

    /// <summary>Lets <see cref="PeakResidentBytes"/> begin anew with what is resident now.</summary>
    public static void ForgetPeak(int processId) => File.WriteAllText($"/proc/{processId}/clear_refs", "5");

    /// <summary>CPU seconds that the machine has used so far for whatever.</summary>
    public static double MachineBusySeconds()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var all = fields[1..9].Sum(Parse);
        return (all - Parse(fields[4]) - Parse(fields[5])) / TicksPerSecond; // without idle and waiting for the disk
    }

    private static long Status(int processId, string name) =>
        1024 * Parse(File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    private static long Parse(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
