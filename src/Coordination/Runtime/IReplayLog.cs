using Milena.Protocol;

namespace Milena.Coordination.Runtime;

/// <summary>
/// The port through which a lane writes: the partition that holds its records. The driver that leads the partition implements it;
/// the lane calls <see cref="Append"/> from one place at a time.
/// </summary>
public interface IReplayLog<TRecord>
{
    /// <summary>
    /// Appends the records with one append, all or none of them, and does not wait until they are safe. A refusal is a promise that
    /// none of them will ever be read from the log.
    /// </summary>
    AppendOutcome Append(IReadOnlyList<TRecord> records);

    /// <summary>
    /// Completes when every record below <paramref name="endOffset"/> (exclusive) is committed, with
    /// <see cref="ErrorCode.None"/>. Any other code, and any exception, says that this node has lost the partition: whether what
    /// was appended survives is then for the next leader to say.
    /// </summary>
    ValueTask<ErrorCode> Committed(long endOffset);
}

/// <summary>What became of an append: its end offset (exclusive), or why nothing was written.</summary>
public readonly record struct AppendOutcome(ErrorCode Error, long EndOffset)
{
    /// <summary>The records lie below <paramref name="endOffset"/>.</summary>
    public static AppendOutcome Appended(long endOffset) => new(ErrorCode.None, endOffset);

    /// <summary>Nothing was written.</summary>
    public static AppendOutcome Refused(ErrorCode error) => new(error, -1);
}
