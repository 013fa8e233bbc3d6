using Milena.Protocol;

namespace Milena.Coordination.Runtime;

/// <summary>
/// A partition of an internal topic that this node leads, as a coordinator uses it. The broker implements it over its replica.
/// Calls of <see cref="Append"/> come one at a time.
/// </summary>
public interface ICoordinatorLog
{
    /// <summary>The log end offset.</summary>
    long EndOffset { get; }

    /// <summary>
    /// Everything from the log start offset to <paramref name="endOffset"/> (exclusive), in pieces that hold whole record batches.
    /// A piece is used only until the next one is asked for.
    /// </summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> Read(long endOffset);

    /// <summary>
    /// Appends one batch as the leader, which puts base offset and leader epoch into it. A refusal is a promise that nothing of it
    /// will ever be read. The bytes are the caller's again when the call returns.
    /// </summary>
    AppendOutcome Append(Memory<byte> batch);

    /// <summary>As <see cref="IReplayLog{TRecord}.Committed"/>.</summary>
    ValueTask<ErrorCode> Committed(long endOffset);
}
