using System.Globalization;
using Milena.Common;

namespace Milena.Storage;

/// <summary>The names of the directories in a log directory.</summary>
internal static class LogDirectoryNames
{
    public const string DeleteSuffix = "-delete";
    public const string StraySuffix = "-stray";
    public const string FutureSuffix = "-future";

    /// <summary>What Kafka keeps in a log directory that is no log of a partition.</summary>
    public const string RemoteIndexCache = "remote-log-index-cache";

    public static readonly TopicPartition Metadata = new("__cluster_metadata", 0);

    private const int NameCharsMax = 255;

    public static string Of(TopicPartition partition) => partition.ToString();

    /// <summary>The name of a log that is no longer one: <c>topic-3.0123456789abcdef0123456789abcdef-delete</c>, shortened if it must be.</summary>
    public static string Renamed(TopicPartition partition, Guid unique, string suffix)
    {
        var end = string.Create(CultureInfo.InvariantCulture, $"-{partition.Partition}.{unique:n}{suffix}");
        return partition.Topic[..Math.Min(partition.Topic.Length, NameCharsMax - end.Length)] + end;
    }

    /// <summary>Whether the name of a copy that is on its way holds the topic's name whole, so that a start knows whose it is.</summary>
    public static bool HasRoomForFuture(TopicPartition partition) =>
        Renamed(partition, Guid.Empty, FutureSuffix).StartsWith(Of(partition) + '.', StringComparison.Ordinal);

    /// <summary>Reads "topic-3.0123456789abcdef0123456789abcdef-future"; false for anything else.</summary>
    public static bool TryParseFuture(string name, out TopicPartition partition)
    {
        partition = default;
        var end = name.LastIndexOf('.');
        return end > 0 && name.EndsWith(FutureSuffix, StringComparison.Ordinal)
            && Guid.TryParseExact(name.AsSpan(end + 1, name.Length - end - 1 - FutureSuffix.Length), "N", out _)
            && TryParse(name[..end], out partition);
    }

    /// <summary>Reads "topic-3"; false for anything else.</summary>
    public static bool TryParse(string name, out TopicPartition partition)
    {
        partition = default;
        var dash = name.LastIndexOf('-');
        if (dash <= 0 || !int.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        partition = new(name[..dash], number);
        return true;
    }
}
