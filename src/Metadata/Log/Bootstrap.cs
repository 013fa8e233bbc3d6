using System.Buffers;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Log;

/// <summary>How a release of Apache Kafka lays out what formatting writes.</summary>
public enum FormatLayout
{
    /// <summary>
    /// Up to 4.3: the records in <c>bootstrap.checkpoint</c>; the voters, if they are in the log, in a snapshot of offset 0.
    /// </summary>
    BootstrapFile,

    /// <summary>From 4.4: everything in the snapshot of offset 0.</summary>
    ZeroSnapshot,
}

/// <summary>A file to be written by formatting.</summary>
/// <param name="Path">Relative to the directory of the metadata log.</param>
/// <param name="Bytes">The whole file.</param>
public sealed record FormattedFile(string Path, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// With what a cluster begins: the records that the first controller appends to its empty log, and the files in which formatting
/// leaves them for it.
/// </summary>
public static class Bootstrap
{
    /// <summary>The file of <see cref="FormatLayout.BootstrapFile"/>.</summary>
    public const string FileName = "bootstrap.checkpoint";

    /// <summary>The directory of the metadata log.</summary>
    public const string LogDirectory = "__cluster_metadata-0";

    /// <summary>
    /// The records: metadata.version first, then the other features that start above 0 by name, then credentials. Without them a
    /// log would be at the lowest level of everything.
    /// </summary>
    /// <param name="metadataVersion">The level of metadata.version.</param>
    /// <param name="credentials">Credentials of the first users.</param>
    /// <param name="levels">The levels of the other features; null for <see cref="FeatureSet.InitialLevels"/>.</param>
    public static IReadOnlyList<IMetadataRecord> Records(
        short metadataVersion = MetadataVersions.Latest,
        IEnumerable<UserScramCredentialRecord>? credentials = null,
        IReadOnlyDictionary<string, short>? levels = null) =>
    [
        new FeatureLevelRecord { Name = FeatureNames.MetadataVersion, FeatureLevel = metadataVersion },
        .. (levels ?? FeatureSet.InitialLevels(metadataVersion))
            .OrderBy(feature => feature.Key, StringComparer.Ordinal)
            .Select(feature => new FeatureLevelRecord { Name = feature.Key, FeatureLevel = feature.Value }),
        .. credentials ?? [],
    ];

    /// <summary>
    /// What the first controller appends besides <see cref="Records"/> once eligible leaders are in use (KIP-966): the minimum of
    /// in-sync replicas has to be the same for all brokers, so it moves from the static configuration into the log.
    /// </summary>
    public static IReadOnlyList<IMetadataRecord> ElrSafetyRecords(MetadataImage image, int minInsyncReplicas)
    {
        const string Name = "min.insync.replicas";
        if (!image.Features.HasEligibleLeaders || image.Configs.Of(ConfigResource.AllBrokers).ContainsKey(Name))
            return [];
        return
        [
            new ConfigRecord
            {
                ResourceType = (sbyte)ConfigResourceType.Broker,
                ResourceName = "",
                Name = Name,
                Value = minInsyncReplicas.ToString(),
            },
        ];
    }

    /// <summary>The files for these records.</summary>
    /// <param name="layout">Where they go.</param>
    /// <param name="records">See <see cref="Records"/>.</param>
    /// <param name="voters">The voters of a quorum that keeps them in its log; null for one that is configured.</param>
    /// <param name="nowMs">The time of formatting.</param>
    public static IReadOnlyList<FormattedFile> Files(
        FormatLayout layout, IReadOnlyList<IMetadataRecord> records, VotersRecord? voters, long nowMs)
    {
        var zeroSnapshot = $"{LogDirectory}/{SnapshotId.OfFormatting.FileName}";
        if (layout == FormatLayout.ZeroSnapshot)
            return [new(zeroSnapshot, Checkpoint(records, voters, nowMs))];
        var bootstrap = new FormattedFile(FileName, Checkpoint(records, voters: null, nowMs));
        return voters is null ? [bootstrap] : [bootstrap, new(zeroSnapshot, Checkpoint([], voters, nowMs))];
    }

    private static ReadOnlyMemory<byte> Checkpoint(IReadOnlyList<IMetadataRecord> records, VotersRecord? voters, long nowMs)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var writer = new SnapshotWriter(bytes, epoch: 0);
        writer.Begin(nowMs, voters, nowMs);
        writer.Append(records, MetadataVersions.Latest, nowMs);
        writer.End(nowMs);
        return bytes.WrittenMemory;
    }
}
