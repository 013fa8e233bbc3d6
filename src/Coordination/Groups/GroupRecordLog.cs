using Milena.Coordination.Runtime;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Coordination.Groups;

/// <summary>Group records as the record batches that they are in <c>__consumer_offsets</c>, in both directions.</summary>
internal sealed class GroupRecordLog(ICoordinatorLog log, TimeProvider time, GroupConfig config, GroupCounters counters) : IReplayLog<GroupEvent>
{
    /// <summary>What one batch of the topic may hold when decompressed: far above what a coordinator writes into one.</summary>
    private const int DecompressedBytesMax = 256 * 1024 * 1024;

    private readonly RecordBatchOptions options = RecordBatchOptions.Default with { Codec = config.OffsetsTopicCompression };

    public AppendOutcome Append(IReadOnlyList<GroupEvent> records)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        using var builder = new RecordBatchBuilder();
        using var batches = new PooledBuffer();
        for (var i = 0; i < records.Count;)
        {
            if (records[i] is TransactionEnded end)
            {
                ControlRecordBatch.WriteMarker(builder, end.IsCommit, end.ProducerId, end.ProducerEpoch, end.CoordinatorEpoch, nowMs);
                i++;
            }
            else
            {
                i = WriteRun(builder, records, i, nowMs);
            }

            if (i == records.Count && batches.Length == 0)
                return Counted(records, log.Append(builder.Build()));
            batches.Write(builder.Build().Span);
        }
        return Counted(records, log.Append(batches.Memory));
    }

    private AppendOutcome Counted(IReadOnlyList<GroupEvent> records, AppendOutcome outcome)
    {
        if (outcome.Error == ErrorCode.None)
            counters.Commit(records.Count(record => record is GroupRecord { Key: OffsetCommitKey, Value: not null }));
        return outcome;
    }

    // Records that one producer wrote in its transaction are a batch of their own, and so is what was written in none.
    private int WriteRun(RecordBatchBuilder builder, IReadOnlyList<GroupEvent> records, int first, long nowMs)
    {
        var (producerId, producerEpoch) = ProducerOf((GroupRecord)records[first]);
        builder.Begin(producerId < 0 ? options : options with
        {
            ProducerId = producerId,
            ProducerEpoch = producerEpoch,
            IsTransactional = true,
        });
        var i = first;
        for (; i < records.Count && records[i] is GroupRecord record && ProducerOf(record) == (producerId, producerEpoch); i++)
        {
            var value = record.Value is null ? null : GroupRecords.WriteValue(record.Value, record.Version);
            builder.Append(nowMs, GroupRecords.WriteKey(record.Key), value);
        }
        return i;

        static (long, short) ProducerOf(GroupRecord record) => (record.ProducerId, record.ProducerEpoch);
    }

    public ValueTask<ErrorCode> Committed(long endOffset) => log.Committed(endOffset);

    /// <summary>The events that a partition's batches hold.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<GroupEvent>> Replay(IAsyncEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var scratch = new PooledBuffer();
        await foreach (var piece in pieces.ConfigureAwait(false))
            yield return Read(piece.Span, scratch);
    }

    private static List<GroupEvent> Read(ReadOnlySpan<byte> batches, PooledBuffer scratch)
    {
        var events = new List<GroupEvent>();
        var run = RecordBatches.Enumerate(batches);
        while (run.MoveNext())
        {
            var batch = run.Current;
            if (ControlRecordBatch.TryReadMarker(batch, out var isCommit, out var coordinatorEpoch))
                events.Add(new TransactionEnded(batch.ProducerId, isCommit, batch.ProducerEpoch, coordinatorEpoch));
            if (batch.IsControl)
                continue;
            var (producerId, producerEpoch) = batch.IsTransactional ? (batch.ProducerId, batch.ProducerEpoch) : (-1, (short)-1);
            foreach (var record in batch.ReadRecords(scratch, DecompressedBytesMax))
            {
                if (Read(record, producerId, producerEpoch) is { } step)
                    events.Add(step);
            }
        }
        return run.End == BatchRunEnd.Complete
            ? events
            : throw new MalformedMessageException($"a piece of the offsets topic is not whole batches ({run.End})");
    }

    // Null for a type that is not known: a newer broker may have led the partition before.
    private static GroupRecord? Read(in Record record, long producerId, short producerEpoch)
    {
        if (record.Key.ToArray() is not { } keyBytes)
            throw new MalformedMessageException("a record of the offsets topic without a key");
        if (GroupRecords.ReadKey(keyBytes) is not { } key)
            return null;
        // Copies: the piece is gone when the next is read, and groups keep subscriptions and assignments.
        var value = record.Value.ToArray() is { } valueBytes ? GroupRecords.ReadValue(key.Type, valueBytes) : null;
        return new GroupRecord(key, value, Version: 0, producerId, producerEpoch);
    }
}
