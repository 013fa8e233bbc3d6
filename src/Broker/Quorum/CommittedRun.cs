using Milena.Protocol.Messages;

namespace Milena.Broker.Quorum;

/// <summary>Records that are committed: what one append held.</summary>
/// <param name="Records">The records, in order.</param>
/// <param name="EndOffset">The offset behind the last of them; exclusive.</param>
/// <param name="Epoch">The epoch in which they were written.</param>
/// <param name="TimestampMs">When they were written, Unix ms.</param>
/// <param name="SizeInBytes">What they take in the log.</param>
internal readonly record struct CommittedRun(
    IReadOnlyList<IMetadataRecord> Records, long EndOffset, int Epoch, long TimestampMs, int SizeInBytes);
