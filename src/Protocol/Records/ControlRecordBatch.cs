using System.Buffers.Binary;
using Milena.Protocol.Messages;

namespace Milena.Protocol.Records;

/// <summary>A control record to write: its type, and its value as the schema encodes it.</summary>
public readonly record struct ControlRecord(ControlRecordType Type, ReadOnlyMemory<byte> Value);

/// <summary>
/// Batches whose records are meant for brokers and controllers. They are never compressed. The key of such a record is its version
/// (0) and its type, two int16.
/// </summary>
public static class ControlRecordBatch
{
    private const int KeyBytes = 4;

    /// <summary>int16 version 0, int32 coordinator epoch.</summary>
    private const int MarkerValueBytes = 6;

    /// <summary>The size of a batch with one transaction marker.</summary>
    public const int MarkerBatchBytes = RecordBatchHeader.Size + 17;

    /// <summary>Begins a batch and writes the one marker that ends a transaction; the batch is finished by the builder.</summary>
    public static void WriteMarker(
        RecordBatchBuilder builder,
        bool commit,
        long producerId,
        short producerEpoch,
        int coordinatorEpoch,
        long timestampMs,
        long baseOffset = 0,
        int leaderEpoch = -1)
    {
        builder.Begin(RecordBatchOptions.Default with
        {
            BaseOffset = baseOffset,
            PartitionLeaderEpoch = leaderEpoch,
            ProducerId = producerId,
            ProducerEpoch = producerEpoch,
            IsTransactional = true,
            IsControl = true,
        });
        Span<byte> value = stackalloc byte[MarkerValueBytes];
        BinaryPrimitives.WriteInt16BigEndian(value, 0);
        BinaryPrimitives.WriteInt32BigEndian(value[sizeof(short)..], coordinatorEpoch);
        Append(builder, commit ? ControlRecordType.Commit : ControlRecordType.Abort, timestampMs, value);
    }

    /// <summary>Begins a batch of KRaft's and writes its records; the batch is finished by the builder.</summary>
    public static void WriteKRaft(
        RecordBatchBuilder builder, ReadOnlySpan<ControlRecord> records, long baseOffset, int leaderEpoch, long timestampMs)
    {
        builder.Begin(RecordBatchOptions.Default with { BaseOffset = baseOffset, PartitionLeaderEpoch = leaderEpoch, IsControl = true });
        foreach (var record in records)
            Append(builder, record.Type, timestampMs, record.Value.Span);
    }

    /// <summary>
    /// What a record of a control batch is. <see cref="ControlRecordType.Unknown"/> for a type that is not known; throws
    /// <see cref="MalformedMessageException"/> if the key is too short to say.
    /// </summary>
    public static ControlRecordType TypeOf(in Record record)
    {
        var key = record.Key.Span;
        if (key.Length < KeyBytes)
            throw new MalformedMessageException("a control record without a type");
        var type = (ControlRecordType)BinaryPrimitives.ReadInt16BigEndian(key[sizeof(short)..]);
        return type is >= ControlRecordType.Abort and <= ControlRecordType.KRaftVoters ? type : ControlRecordType.Unknown;
    }

    /// <summary>
    /// The epoch of the coordinator that wrote a marker; throws <see cref="MalformedMessageException"/> if it is not there.
    /// </summary>
    public static int CoordinatorEpochOf(in Record marker)
    {
        var value = marker.Value.Span;
        if (value.Length < MarkerValueBytes)
            throw new MalformedMessageException("a transaction marker without an epoch");
        return BinaryPrimitives.ReadInt32BigEndian(value[sizeof(short)..]);
    }

    /// <summary>
    /// The end of a transaction that the batch marks: false if it is not such a batch. Throws <see cref="MalformedMessageException"/> if it
    /// says that it is and does not hold the marker.
    /// </summary>
    public static bool TryReadMarker(RecordBatchView batch, out bool commit, out int coordinatorEpoch)
    {
        (commit, coordinatorEpoch) = (false, -1);
        if (!batch.IsControl || batch.RecordCount == 0)
            return false;
        var records = batch.ReadRecords(batch.RecordsData);
        if (!records.MoveNext() || TypeOf(records.Current) is not (ControlRecordType.Abort or ControlRecordType.Commit))
            return false;
        commit = TypeOf(records.Current) == ControlRecordType.Commit;
        coordinatorEpoch = CoordinatorEpochOf(records.Current);
        return true;
    }

    private static void Append(RecordBatchBuilder builder, ControlRecordType type, long timestampMs, ReadOnlySpan<byte> value)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteInt16BigEndian(key, 0);
        BinaryPrimitives.WriteInt16BigEndian(key[sizeof(short)..], (short)type);
        builder.Append(timestampMs, key, value);
    }
}
