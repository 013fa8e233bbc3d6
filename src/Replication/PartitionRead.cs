using Milena.Protocol;
using Milena.Storage;

namespace Milena.Replication;

/// <summary>What one read of a partition found. A value: an error is an ordinary answer.</summary>
/// <param name="Error">Why nothing was read, or <see cref="ErrorCode.None"/>.</param>
/// <param name="Records">The batches; empty if there are none.</param>
/// <param name="HighWatermark">The high watermark at the time of the read, or -1.</param>
/// <param name="LastStableOffset">Below it no transaction is open; -1 on an error.</param>
/// <param name="LogStartOffset">The first offset still readable; -1 on an error.</param>
/// <param name="DivergingEpoch">The epoch up to which reader and log agree, or -1 (KIP-320).</param>
/// <param name="DivergingEndOffset">Where that epoch ends in this log.</param>
/// <param name="AbortedTransactions">For read_committed: those that overlap the records; null otherwise.</param>
/// <param name="IsOnOlderSegment">
/// Whether there is more to read in a later segment: a read never goes beyond one, so waiting here would not bring more.
/// </param>
public readonly record struct PartitionRead(
    ErrorCode Error,
    RecordBytes Records = default,
    long HighWatermark = -1,
    long LastStableOffset = -1,
    long LogStartOffset = -1,
    int DivergingEpoch = -1,
    long DivergingEndOffset = -1,
    IReadOnlyList<AbortedTransaction>? AbortedTransactions = null,
    bool IsOnOlderSegment = false)
{
    /// <summary>The bytes of <see cref="Records"/>.</summary>
    public int Bytes => Records.Length;

    /// <summary>Whether a fetch that finds this is answered without waiting.</summary>
    public bool AnswersAtOnce => Error != ErrorCode.None || DivergingEpoch >= 0 || IsOnOlderSegment;
}

/// <summary>What a reader asks of a partition.</summary>
/// <param name="Offset">The first offset wanted.</param>
/// <param name="MaxBytes">The most bytes wanted; exceeded only for a first batch where <paramref name="MinOneBatch"/> is set.</param>
/// <param name="MinOneBatch">Whether a first batch larger than <paramref name="MaxBytes"/> is returned whole (KIP-74).</param>
/// <param name="IsCommitted">read_committed: nothing at or above the last stable offset.</param>
/// <param name="CurrentLeaderEpoch">The epoch that the reader believes in, or -1.</param>
/// <param name="LastFetchedEpoch">The epoch of the reader's last record, or -1.</param>
public readonly record struct PartitionReadRequest(
    long Offset, int MaxBytes, bool MinOneBatch, bool IsCommitted, int CurrentLeaderEpoch = -1, int LastFetchedEpoch = -1);
