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
