using Milena.Coordination.Runtime;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Coordination.Transactions;

/// <summary>Transactional ids as the record batches that they are in <c>__transaction_state</c>, in both directions.</summary>
/// <param name="log">The partition.</param>
/// <param name="time">For the records' timestamps.</param>
/// <param name="transactionVersion">The level of transaction.version, which decides how values are written.</param>
internal sealed class TransactionRecordLog(ICoordinatorLog log, TimeProvider time, Func<short> transactionVersion)
    : IReplayLog<TransactionRecord>
{
    /// <summary>What one batch of the topic may hold when decompressed: far above what a coordinator writes into one.</summary>
    private const int DecompressedBytesMax = 256 * 1024 * 1024;

    public AppendOutcome Append(IReadOnlyList<TransactionRecord> records)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var version = Transaction.ValueVersion(transactionVersion());
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Default);
        foreach (var record in records)
        {
            var value = record.Transaction is null ? null : TransactionRecords.WriteValue(record.Transaction.ToValue(version), version);
            builder.Append(nowMs, TransactionRecords.WriteKey(new TransactionLogKey { TransactionalId = record.TransactionalId }), value);
        }
        return log.Append(builder.Build());
    }

    public ValueTask<ErrorCode> Committed(long endOffset) => log.Committed(endOffset);

    /// <summary>The records that a partition's batches hold.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<TransactionRecord>> Replay(IAsyncEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var scratch = new PooledBuffer();
        await foreach (var piece in pieces.ConfigureAwait(false))
            yield return Read(piece.Span, scratch);
    }

    private static List<TransactionRecord> Read(ReadOnlySpan<byte> batches, PooledBuffer scratch)
    {
        var records = new List<TransactionRecord>();
        var run = RecordBatches.Enumerate(batches);
        while (run.MoveNext())
        {
            if (run.Current.IsControl)
                continue;
            foreach (var record in run.Current.ReadRecords(scratch, DecompressedBytesMax))
            {
                if (Read(record) is { } read)
                    records.Add(read);
            }
        }
        return run.End == BatchRunEnd.Complete
            ? records
            : throw new MalformedMessageException($"a piece of the transaction topic is not whole batches ({run.End})");
    }

    // Null for a type that is not known: a newer broker may have led the partition before.
    private static TransactionRecord? Read(in Record record)
    {
        if (record.Key.ToArray() is not { } keyBytes)
            throw new MalformedMessageException("a record of the transaction topic without a key");
        if (TransactionRecords.ReadKey(keyBytes) is not TransactionLogKey key)
            return null;
        return record.Value.ToArray() is { } valueBytes && TransactionRecords.ReadValue(key.Type, valueBytes) is TransactionLogValue value
            ? new(key.TransactionalId, Transaction.Of(key.TransactionalId, value))
            : new(key.TransactionalId, null);
    }
}
