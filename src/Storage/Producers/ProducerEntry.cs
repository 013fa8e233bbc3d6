using System.Runtime.CompilerServices;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>A batch that a producer has written, as far as it takes to know it again.</summary>
/// <param name="LastSequence">The sequence number of its last record.</param>
/// <param name="LastOffset">The offset of its last record.</param>
/// <param name="OffsetDelta">The offset of its last record minus that of its first.</param>
/// <param name="Timestamp">Its largest timestamp, ms.</param>
internal readonly record struct ProducerBatch(int LastSequence, long LastOffset, int OffsetDelta, long Timestamp)
{
    public long BaseOffset => LastOffset - OffsetDelta;

    public int BaseSequence => ProducerSequence.Back(LastSequence, OffsetDelta);
}

/// <summary>Sequence numbers are counted from 0 to 2147483647 and again from 0.</summary>
internal static class ProducerSequence
{
    public const int None = -1;

    public static bool Follows(int last, int next) => next == last + 1L || (next == 0 && last == int.MaxValue);

    public static int Back(int sequence, int count) => (int)((sequence - (long)count) & int.MaxValue);
}

/// <summary>What a log remembers of one producer: its epoch, its last five batches, and its open transaction.</summary>
internal sealed class ProducerEntry(long producerId)
{
    /// <summary>As many as a producer may have in flight, so that each of them can be recognised when it is sent again.</summary>
    public const int BatchesMax = 5;

    private Ring batches;
    private int first;

    public long ProducerId { get; } = producerId;

    public short Epoch { get; private set; } = -1;

    public int CoordinatorEpoch { get; set; } = -1;

    public long LastTimestamp { get; set; } = -1;

    /// <summary>Where the open transaction begins, -1 if none is open.</summary>
    public long TransactionFirstOffset { get; set; } = -1;

    public int BatchCount { get; private set; }

    public bool HasTransaction => TransactionFirstOffset >= 0;

    public ProducerBatch Last => batches[(first + BatchCount - 1) % BatchesMax];

    public int LastSequence => BatchCount == 0 ? ProducerSequence.None : Last.LastSequence;

    /// <summary>A producer of a new epoch begins without batches.</summary>
    public void SetEpoch(short epoch)
    {
        if (epoch == Epoch)
            return;
        BatchCount = 0;
        Epoch = epoch;
    }

    public void Add(short epoch, ProducerBatch batch)
    {
        SetEpoch(epoch);
        if (BatchCount == BatchesMax)
            first = (first + 1) % BatchesMax;
        else
            BatchCount++;
        batches[(first + BatchCount - 1) % BatchesMax] = batch;
        LastTimestamp = batch.Timestamp;
    }

    /// <summary>Finds the batch among the last five, which makes it a duplicate.</summary>
    public bool TryFind(in RecordBatchView batch, out ProducerBatch found)
    {
        found = default;
        if (batch.ProducerEpoch != Epoch)
            return false;
        var (baseSequence, lastSequence) = (batch.BaseSequence, batch.LastSequence);
        for (var i = 0; i < BatchCount; i++)
        {
            found = batches[(first + i) % BatchesMax];
            if (found.BaseSequence == baseSequence && found.LastSequence == lastSequence)
                return true;
        }

        return false;
    }

    [InlineArray(BatchesMax)]
    private struct Ring
    {
        private ProducerBatch element;
    }
}
