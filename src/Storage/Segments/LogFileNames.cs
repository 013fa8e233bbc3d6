using System.Globalization;

namespace Milena.Storage;

/// <summary>The names of the files in a partition's directory: a base offset of 20 digits, and what it is.</summary>
internal static class LogFileNames
{
    public const string Log = ".log";
    public const string OffsetIndex = ".index";
    public const string TimeIndex = ".timeindex";
    public const string TransactionIndex = ".txnindex";
    public const string Snapshot = ".snapshot";

    /// <summary>Waits for its removal.</summary>
    public const string Deleted = ".deleted";

    /// <summary>Being written by compaction; worth nothing after a crash.</summary>
    public const string Cleaned = ".cleaned";

    /// <summary>Written by compaction, complete, about to take the place of older files.</summary>
    public const string Swap = ".swap";

    private const int OffsetDigits = 20;

    /// <summary>Every file that belongs to a segment alone, in the order in which a crash may best interrupt their removal.</summary>
    public static readonly string[] OfSegment = [Log, OffsetIndex, TimeIndex, TransactionIndex];

    /// <summary>The name of a file.</summary>
    public static string Of(long offset, string suffix) => offset.ToString("D20", CultureInfo.InvariantCulture) + suffix;

    /// <summary>Takes a name apart: "00000000000000000042.log.swap" is 42 and ".log.swap".</summary>
    public static bool TryParse(string name, out long offset, out string suffix)
    {
        offset = 0;
        suffix = "";
        if (name.Length <= OffsetDigits || name[OffsetDigits] != '.'
            || !long.TryParse(name.AsSpan(0, OffsetDigits), NumberStyles.None, CultureInfo.InvariantCulture, out offset))
            return false;
        suffix = name[OffsetDigits..];
        return true;
    }
}
