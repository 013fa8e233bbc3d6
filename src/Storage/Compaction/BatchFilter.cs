using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>What a log knows of a producer that may go on writing: the last of its batches, -1 if it has none in its present epoch.</summary>
internal readonly record struct LastBatch(long LastOffset, short ProducerEpoch);

/// <summary>What a pass decides by, the same from its beginning to its end.</summary>
/// <param name="Map">The last offset of each key.</param>
/// <param name="Transactions">Which transactions came to nothing.</param>
/// <param name="Producers">Who may go on writing.</param>
/// <param name="EndOffset">Where the pass ends.</param>
/// <param name="DeleteRetentionMs"><c>delete.retention.ms</c>.</param>
/// <param name="NowMs">The time of the pass.</param>
internal sealed record FilterRules(
    OffsetMap Map, CleanedTransactions Transactions, IReadOnlyDictionary<long, LastBatch> Producers, long EndOffset, long DeleteRetentionMs, long NowMs);

/// <summary>
/// Decides, batch by batch, what compaction leaves of a log. A batch of which everything stays is copied; one that loses records keeps
/// its place, its last offset and its producer, so that offsets and sequence numbers never change. Bytes in, bytes out: it knows no
/// files. What it works with is kept for the next batch, so a record costs no allocation.
/// </summary>
internal sealed class BatchFilter : IDisposable
{
    private const int BitsPerWord = 64;

    private readonly PooledBuffer uncompressed = new();
    private readonly RecordBatchBuilder builder = new();
    private ulong[] stays = new ulong[64]; // a bit for each record of the batch
    private FilterRules? rules;

    /// <summary>
    /// Whether tombstones of magic 0 and 1 stay, which have no horizon of their own: as long as their segment is young enough.
    /// </summary>
    public bool KeepsLegacyTombstones { get; set; }

    /// <summary>Begins a pass.</summary>
    public void Begin(FilterRules passRules) => rules = passRules;

    /// <summary>Appends what stays of the next batch, which must be whole. Throws <see cref="MalformedMessageException"/> if it is damaged.</summary>
    public void Filter(in RecordBatchView batch, PooledBuffer output)
    {
        var (_, transactions, _, endOffset, deleteRetentionMs, nowMs) = rules!;
        var isNeedless = batch.IsControl ? transactions.OnMarker(batch) : transactions.OnBatch(batch);
        // A marker stays for a while after the data, for readers that have seen the data and not yet the marker.
        var goes = isNeedless && (!batch.IsControl || batch.DeleteHorizon <= nowMs);
        var staysEmpty = IsLastOfItsProducer(batch) || batch.NextOffset == endOffset; // the last one says how far the log went
        var selection = goes ? default : Select(batch);
        if (selection.Kept == 0)
        {
            if (staysEmpty)
                WriteEmpty(batch, output);
            return;
        }

        var getsHorizon = !batch.IsLegacy && batch.DeleteHorizon is null && (selection.HasTombstones || (isNeedless && batch.IsControl));
        if (selection.Kept == selection.Count && !getsHorizon && !batch.IsLegacy)
            output.Write(batch.Bytes);
        else
            Rewrite(batch, selection, getsHorizon ? nowMs + deleteRetentionMs : batch.DeleteHorizon, output);
    }

    /// <summary>Returns the buffers.</summary>
    public void Dispose()
    {
        uncompressed.Dispose();
        builder.Dispose();
    }

    // Without its last batch, a producer's next one would be out of sequence after a recovery; without the marker that fenced an epoch, the
    // epoch would be forgotten.
    private bool IsLastOfItsProducer(in RecordBatchView batch)
    {
        if (!batch.HasProducerId || !rules!.Producers.TryGetValue(batch.ProducerId, out var last))
            return false;
        return last.LastOffset >= 0 ? batch.LastOffset == last.LastOffset : batch.IsControl && batch.ProducerEpoch == last.ProducerEpoch;
    }

    private Selection Select(in RecordBatchView batch)
    {
        var selection = new Selection { FirstKept = -1 };
        var previous = batch.IsLegacy ? -1 : batch.BaseOffset - 1;
        foreach (var record in batch.ReadRecords(uncompressed, BatchRules.DecompressedBytesMaxDefault))
        {
            if (record.Offset <= previous || record.Offset > batch.LastOffset)
                throw new MalformedMessageException($"offset {record.Offset} follows {previous} in a batch");
            previous = record.Offset;
            var index = selection.Count++;
            if (index / BitsPerWord == stays.Length)
                Array.Resize(ref stays, stays.Length * 2);
            ref var word = ref stays[index / BitsPerWord];
            word &= ~(1UL << index);
            if (!batch.IsControl && !Stays(batch, record))
                continue;
            word |= 1UL << index;
            selection.FirstKept = selection.Kept++ == 0 ? record.Offset : selection.FirstKept;
            selection.HasTombstones |= record.Value.IsNull;
        }

        return selection;
    }

    private bool Stays(in RecordBatchView batch, in Record record)
    {
        var map = rules!.Map;
        if (record.Offset > map.LatestOffset)
            return true; // nobody has looked yet whether a later one follows
        if (record.Key.IsNull)
            return false; // from a time in which the topic was not compacted
        if (record.Offset < map.Find(record.Key.Span))
            return false;
        return !record.Value.IsNull || (batch.IsLegacy ? KeepsLegacyTombstones : batch.DeleteHorizon is not { } horizon || rules.NowMs < horizon);
    }

    private void Rewrite(in RecordBatchView batch, Selection selection, long? deleteHorizonMs, PooledBuffer output)
    {
        builder.Begin(OptionsOf(batch, selection.FirstKept) with { DeleteHorizonMs = deleteHorizonMs });
        var index = 0;
        var plain = batch.Codec != CompressionCodec.None ? uncompressed.Span : batch.IsLegacy ? batch.Bytes : batch.RecordsData;
        foreach (var record in batch.ReadRecords(plain))
        {
            if ((stays[index / BitsPerWord] & (1UL << index)) != 0)
                builder.AppendAt(record.Offset, record);
            index++;
        }

        output.Write(builder.Build().Span);
    }

    private void WriteEmpty(in RecordBatchView batch, PooledBuffer output)
    {
        builder.Begin(OptionsOf(batch, batch.BaseOffset) with { DeleteHorizonMs = null, MaxTimestampMs = batch.MaxTimestamp });
        output.Write(builder.Build().Span);
    }

    // An entry of an old format has the offset of its last record; the batch that it becomes begins with the first.
    private static RecordBatchOptions OptionsOf(in RecordBatchView batch, long firstOffset) =>
        batch.IsLegacy ? RecordBatchOptions.Of(batch) with { BaseOffset = firstOffset } : RecordBatchOptions.Of(batch);

    private struct Selection
    {
        public int Count;
        public int Kept;
        public long FirstKept;
        public bool HasTombstones;
    }
}
