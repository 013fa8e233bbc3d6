using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>Who wrote the batches of an append, which decides how far they are believed.</summary>
public enum AppendOrigin
{
    /// <summary>A producer: exactly one batch, checked in every respect.</summary>
    Client,

    /// <summary>A coordinator of this broker: its records, or markers that end transactions.</summary>
    Coordinator,

    /// <summary>The partition's leader, which has checked everything and given out the offsets.</summary>
    Replication,

    /// <summary>This node as the leader of the metadata quorum.</summary>
    Raft,
}

/// <summary>What became of an append.</summary>
/// <param name="Error"><see cref="ErrorCode.None"/>, or why nothing was written.</param>
/// <param name="BaseOffset">The offset of the first record; -1 on an error.</param>
/// <param name="LastOffset">The offset of the last record; -1 on an error.</param>
/// <param name="LogAppendTimeMs">When the records were appended if the topic keeps that time, -1 otherwise.</param>
/// <param name="LogStartOffset">The first offset that can be read; -1 on an error.</param>
public readonly record struct AppendResult(
    ErrorCode Error, long BaseOffset = -1, long LastOffset = -1, long LogAppendTimeMs = -1, long LogStartOffset = -1)
{
    /// <summary>
    /// True if nothing was written because the batch, one of its producer's last five, is in the log already; the offsets are those
    /// it has there. It is acknowledged like any other.
    /// </summary>
    public bool IsDuplicate { get; init; }

    /// <summary>
    /// True if <c>flush.messages</c> is reached: the sync has been started, and who acknowledges the append waits for
    /// <see cref="PartitionLog.FlushAsync"/> first, as Kafka does.
    /// </summary>
    public bool MustFlush { get; init; }

    /// <summary>True if the records were written otherwise than they came: from an old format, or in the topic's codec.</summary>
    public bool IsConverted { get; init; }

    /// <summary>What is wrong, for the user; null if the error says it all.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>The records that the batch was refused for; empty if it is not for single records.</summary>
    public IReadOnlyList<RecordFault> RecordFaults { get => field ?? []; init; }
}
