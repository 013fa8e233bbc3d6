using Milena.Common;
using Milena.Metadata.Features;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Metadata.Log;

/// <summary>A batch of the metadata log, decoded.</summary>
/// <param name="BaseOffset">The offset of its first record.</param>
/// <param name="LastOffset">The offset of its last record.</param>
/// <param name="Epoch">The epoch of the leader that wrote it.</param>
/// <param name="TimestampMs">The largest timestamp in it.</param>
/// <param name="Records">Its metadata records; none if it is a control batch.</param>
/// <param name="ControlRecords">What the quorum says to itself; none if it is a batch of metadata.</param>
public sealed record MetadataBatch(
    long BaseOffset,
    long LastOffset,
    int Epoch,
    long TimestampMs,
    IReadOnlyList<IMetadataRecord> Records,
    IReadOnlyList<IControlRecord> ControlRecords);

/// <summary>
/// Metadata records as they lie in <c>__cluster_metadata-0</c> and its snapshots: batches of magic 2 without compression, keys
/// null. All records of one decision are one batch, so that they are there whole or not at all.
/// </summary>
public static class MetadataBatches
{
    /// <summary>The largest batch that Kafka's own controllers would write.</summary>
    public const int BatchBytesMax = 8 * 1024 * 1024;

    /// <summary>
    /// The bytes of one batch, valid until the builder is used again. Base offset and epoch are also patched by the log that
    /// appends it. The records must fit into <see cref="BatchBytesMax"/>.
    /// </summary>
    /// <param name="builder">Where the bytes are built.</param>
    /// <param name="records">At least one.</param>
    /// <param name="metadataVersion">Which versions of records may be used.</param>
    /// <param name="baseOffset">The offset of the first record.</param>
    /// <param name="epoch">The epoch of the leader.</param>
    /// <param name="nowMs">The timestamp of all records.</param>
    public static Memory<byte> Write(
        RecordBatchBuilder builder, IEnumerable<IMetadataRecord> records, short metadataVersion, long baseOffset, int epoch, long nowMs)
    {
        var fits = TryWrite(builder, records, metadataVersion, baseOffset, epoch, nowMs, out var batch);
        Invariant.Holds(fits);
        return batch;
    }

    /// <summary>As <see cref="Write"/>; false if the records do not fit.</summary>
    public static bool TryWrite(
        RecordBatchBuilder builder, IEnumerable<IMetadataRecord> records, short metadataVersion, long baseOffset, int epoch, long nowMs, out Memory<byte> batch)
    {
        batch = default;
        builder.Begin(RecordBatchOptions.Default with { BaseOffset = baseOffset, PartitionLeaderEpoch = epoch });
        foreach (var record in records)
        {
            builder.Append(nowMs, key: default, MetadataRecords.Write(record, MetadataVersions.RecordVersion(record, metadataVersion)).AsSpan());
            if (builder.SizeInBytes > BatchBytesMax)
                return false;
        }

        Invariant.Holds(builder.Count > 0);
        batch = builder.Build();
        return true;
    }

    /// <summary>
    /// The batches of a run of bytes, one after the other. Throws <see cref="MalformedMessageException"/> on a batch that is
    /// incomplete or damaged, and on records that we do not know.
    /// </summary>
    public static List<MetadataBatch> Read(ReadOnlyMemory<byte> bytes)
    {
        var batches = new List<MetadataBatch>();
        while (!bytes.IsEmpty)
        {
            var batch = new RecordBatchView(bytes.Span);
            if (batch.IsLegacy || !batch.IsValidCrc)
                throw new MalformedMessageException($"the batch at offset {batch.BaseOffset} of the metadata log is damaged");
            batches.Add(Read(batch));
            bytes = bytes[batch.SizeInBytes..];
        }

        return batches;
    }

    private static MetadataBatch Read(RecordBatchView batch)
    {
        if (batch.Codec != Protocol.Compression.CompressionCodec.None)
            throw new MalformedMessageException("a batch of the metadata log is compressed");
        var records = new List<IMetadataRecord>();
        var controls = new List<IControlRecord>();
        foreach (var record in batch.ReadRecords(batch.RecordsData))
        {
            if (!batch.IsControl)
                records.Add(MetadataRecords.Read(record.Value.Span.ToArray()));
            else if (ReadControl(record.Key.Span.ToArray(), record.Value.Span.ToArray()) is { } control)
                controls.Add(control);
        }

        return new MetadataBatch(batch.BaseOffset, batch.LastOffset, batch.PartitionLeaderEpoch, batch.MaxTimestamp, records, controls);
    }

    // A type that is not known is from the future and meant for those who know it.
    private static IControlRecord? ReadControl(byte[] key, byte[] value) => ControlRecords.ReadValue(ControlRecords.ReadKey(key), value);
}
