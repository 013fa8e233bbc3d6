using Milena.Protocol;

namespace Milena.Storage;

/// <summary>What a read found. Nothing has been read from the disk yet: the records are, when they are sent.</summary>
/// <param name="Error">
/// <see cref="ErrorCode.None"/>; <see cref="ErrorCode.OffsetOutOfRange"/> if the offset is below the log's start or above its end;
/// <see cref="ErrorCode.KafkaStorageError"/> if the log directory is offline.
/// </param>
/// <param name="Records">
/// Batches from the one that holds the offset on, so the first may begin below it; the last may be cut off. Empty if there is
/// nothing below the bound, and on an error.
/// </param>
/// <param name="LogStartOffset">The first offset that can be read; -1 on an error of storage.</param>
/// <param name="LogEndOffset">The offset that is written next; -1 on an error of storage.</param>
public readonly record struct LogRead(ErrorCode Error, RecordBytes Records, long LogStartOffset = -1, long LogEndOffset = -1)
{
    /// <summary>Whether a later segment begins below the bound: what is asked for is not only in this one.</summary>
    public bool IsOnOlderSegment { get; init; }

    /// <summary>Where the records lie, for what must be known about them later.</summary>
    internal SegmentSlice? Slice => (SegmentSlice?)Records.Source;
}

/// <summary>A record that was looked up.</summary>
/// <param name="Error"><see cref="ErrorCode.None"/>, found or not, or <see cref="ErrorCode.KafkaStorageError"/>.</param>
/// <param name="Timestamp">The record's time in ms; -1 if there is none such.</param>
/// <param name="Offset">The record's offset; -1 if there is none such.</param>
/// <param name="LeaderEpoch">The epoch of the leader that appended it; -1 if there is none such or it is not known.</param>
public readonly record struct OffsetLookup(ErrorCode Error, long Timestamp = -1, long Offset = -1, int LeaderEpoch = -1)
{
    /// <summary>Nothing is as asked for.</summary>
    public static OffsetLookup NotFound => new(ErrorCode.None);

    /// <summary>Whether there is such a record.</summary>
    public bool IsFound => Offset >= 0;
}
