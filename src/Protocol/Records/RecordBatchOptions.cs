using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>What a batch has besides its records. The default is what a plain producer sends.</summary>
public sealed record RecordBatchOptions
{
    /// <summary>No compression, no producer id, base offset 0.</summary>
    public static RecordBatchOptions Default { get; } = new();

    /// <summary>Offset of the first record; a client sends 0.</summary>
    public long BaseOffset { get; init; }

    /// <summary>The leader's epoch, -1 from a client.</summary>
    public int PartitionLeaderEpoch { get; init; } = -1;

    /// <summary>How the records are compressed.</summary>
    public CompressionCodec Codec { get; init; }

    /// <summary>As in <see cref="CompressionCodecs.Compress"/>; null for the codec's default.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>Whose time the timestamps are.</summary>
    public TimestampType TimestampType { get; init; }

    /// <summary>The time of the append, ms, if <see cref="TimestampType"/> says so.</summary>
    public long LogAppendTimeMs { get; init; } = -1;

    /// <summary>The producer's id, -1 for none.</summary>
    public long ProducerId { get; init; } = -1;

    /// <summary>The producer's epoch, -1 for none.</summary>
    public short ProducerEpoch { get; init; } = -1;

    /// <summary>The sequence number of the first record, -1 for none.</summary>
    public int BaseSequence { get; init; } = -1;

    /// <summary>True within a transaction.</summary>
    public bool IsTransactional { get; init; }

    /// <summary>True for markers; see <see cref="ControlRecordBatch"/>.</summary>
    public bool IsControl { get; init; }

    /// <summary>When tombstones may go, ms (KIP-534); timestamps then count from it. Null for none.</summary>
    public long? DeleteHorizonMs { get; init; }

    /// <summary>The last offset that the batch covers, if that is not its last record's: compaction removes records, not offsets.</summary>
    public long? LastOffset { get; init; }

    /// <summary>The maximum to write if it is not that of the records: an emptied batch keeps the one it had.</summary>
    public long? MaxTimestampMs { get; init; }

    /// <summary>
    /// What a copy of the batch needs to differ from it only in records: offsets, epoch, codec, timestamps' type and maximum, producer
    /// and flags.
    /// </summary>
    public static RecordBatchOptions Of(RecordBatchView batch) => new()
    {
        BaseOffset = batch.BaseOffset,
        LastOffset = batch.LastOffset,
        PartitionLeaderEpoch = batch.PartitionLeaderEpoch,
        Codec = batch.Codec,
        TimestampType = batch.TimestampType,
        LogAppendTimeMs = batch.TimestampType == TimestampType.LogAppendTime ? batch.MaxTimestamp : -1,
        ProducerId = batch.ProducerId,
        ProducerEpoch = batch.ProducerEpoch,
        BaseSequence = batch.BaseSequence,
        IsTransactional = batch.IsTransactional,
        IsControl = batch.IsControl,
        DeleteHorizonMs = batch.DeleteHorizon,
    };
}
