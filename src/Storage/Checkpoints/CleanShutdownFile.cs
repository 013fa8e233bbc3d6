using System.Globalization;
using System.Text.Json;

namespace Milena.Storage;

/// <summary>
/// The file <c>.kafka_cleanshutdown</c>: the logs of the directory were closed in order, so they need no recovery. It is removed as
/// soon as it has been read, so that it never outlives what it says.
/// </summary>
internal static class CleanShutdownFile
{
    public const string FileName = ".kafka_cleanshutdown";

    /// <summary>
    /// Whether the last shutdown was clean, and the broker's epoch then (-1 if the file does not say: older ones are empty); the file
    /// is gone afterwards, durably.
    /// </summary>
    public static (bool WasClean, long BrokerEpoch) Take(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (files.ReadAllOrNull(path) is not { } json)
            return (false, -1);
        files.DeleteFile(path);
        files.SyncDirectory(directory);
        return (true, ReadBrokerEpoch(json));
    }

    /// <summary>Writes the file, durably. The last thing that is done in a directory.</summary>
    public static void Write(IFileSystem files, string directory, long brokerEpoch) =>
        files.ReplaceDurably(
            Path.Combine(directory, FileName),
            string.Create(CultureInfo.InvariantCulture, $$"""{"version":0,"brokerEpoch":{{brokerEpoch}}}"""));

    private static long ReadBrokerEpoch(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var isThere = document.RootElement.TryGetProperty("brokerEpoch", out var epoch);
            return isThere && long.TryParse(epoch.ToString(), CultureInfo.InvariantCulture, out var value) ? value : -1;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return -1; // the epoch only speeds up registration; that the file is there is what counts
        }
    }
}
