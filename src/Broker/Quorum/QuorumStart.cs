using Microsoft.Extensions.Logging;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Raft;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>
/// What a voter finds on its disk when it comes up: the newest snapshot that can be used, and what the quorum's own records in it
/// and in the log behind it say.
/// </summary>
internal sealed record QuorumStart
{
    /// <summary>The snapshot to begin with; null to begin with the log's first record.</summary>
    public SnapshotContent? Snapshot { get; private init; }

    /// <summary>Where the snapshot ends; offset 0 without one.</summary>
    public SnapshotId SnapshotId { get; private init; }

    /// <summary>What formatting left in the snapshot of offset 0; null if it left none.</summary>
    public SnapshotContent? Formatted { get; private init; }

    /// <summary>1 if the voters are in the log (KIP-853).</summary>
    public short KRaftVersion { get; private init; }

    /// <summary>The voters, if they are in the log or in a snapshot.</summary>
    public VotersRecord? Voters { get; private init; }

    /// <summary>Whether the voters still stand only in what formatting left: the next leader writes them into the log.</summary>
    public bool AreVotersFormattedOnly { get; private init; }

    /// <summary>How much of the log lies behind the snapshot, bytes.</summary>
    public long BytesBehindSnapshot { get; private init; }

    /// <summary>
    /// Reads it. A log that ends before its newest snapshot has lost what the snapshot holds, and goes on behind it. Throws
    /// <see cref="BrokerStartException"/> if the log begins behind the last snapshot that can be used, and
    /// <see cref="MalformedMessageException"/> if the log is damaged.
    /// </summary>
    public static QuorumStart Load(PartitionLog log, SnapshotStore snapshots, ILogger logger)
    {
        snapshots.RemoveUnfinished();
        var formatted = snapshots.ReadFormatted();
        var newest = snapshots.ReadNewest();
        var id = newest?.Id ?? SnapshotId.OfFormatting;
        if (log.LogStartOffset > id.EndOffset)
        {
            throw new BrokerStartException(
                $"the metadata log in {log.LogDir} begins at offset {log.LogStartOffset}, and no snapshot of what was before can be read");
        }

        if (log.LogEndOffset < id.EndOffset)
        {
            Log.MetadataLogShort(logger, log.LogDir, log.LogEndOffset, id.FileName);
            if (log.TruncateFullyAndStartAt(id.EndOffset) is var error and not ErrorCode.None)
                throw new BrokerStartException($"the metadata log in {log.LogDir} cannot be written: {error.Message()}");
        }

        var start = new QuorumStart
        {
            Snapshot = newest?.Content,
            SnapshotId = id,
            Formatted = formatted,
            KRaftVersion = newest?.Content.KRaftVersion ?? formatted?.KRaftVersion ?? 0,
            Voters = newest?.Content.Voters ?? formatted?.Voters,
            AreVotersFormattedOnly = newest?.Content.Voters is null && formatted?.Voters is not null,
        };
        return start.WithLog(log);
    }

    /// <summary>
    /// The voters as this node sees them. Throws <see cref="BrokerStartException"/> if they are others than this node alone.
    /// </summary>
    public QuorumConfig Quorum(VoterKey self, IReadOnlyList<int> configured)
    {
        VoterKey[] voters = Voters is { } known
            ? [.. known.Voters.Select(voter => new VoterKey(voter.VoterId, voter.VoterDirectoryId))]
            : configured.Count > 0 ? [.. configured.Select(id => id == self.Id ? self : new VoterKey(id, default))] : [self];
        var quorum = new QuorumConfig(self, [.. voters]);
        if (quorum.Refusal is { } refusal)
            throw new BrokerStartException(refusal);
        if (quorum.Voters[0] != self)
        {
            throw new BrokerStartException(
                $"the voter of the quorum is node {self.Id} with its metadata log in directory {quorum.Voters[0].DirectoryId}, not in {self.DirectoryId}");
        }

        return quorum;
    }

    /// <summary>The same without what the snapshots hold, which may be much.</summary>
    public QuorumStart WithoutContent() => this with { Snapshot = null, Formatted = null };

    private QuorumStart WithLog(PartitionLog log)
    {
        var (version, voters, isFormattedOnly, bytes) = (KRaftVersion, Voters, AreVotersFormattedOnly, 0L);
        foreach (var piece in WholeBatches.Read(log, Math.Max(SnapshotId.EndOffset, log.LogStartOffset), log.LogEndOffset))
        {
            bytes += piece.Length;
            foreach (var record in ControlRecordsOf(piece))
            {
                if (record is KRaftVersionRecord change)
                    version = change.KRaftVersion;
                else if (record is VotersRecord set)
                    (voters, isFormattedOnly) = (set, false);
            }
        }

        return this with { KRaftVersion = version, Voters = voters, AreVotersFormattedOnly = isFormattedOnly, BytesBehindSnapshot = bytes };
    }

    // Only control batches are looked into: the others are read when they are replayed.
    private static IEnumerable<IControlRecord> ControlRecordsOf(ReadOnlyMemory<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            var (size, isControl) = Measure(piece.Span);
            if (isControl)
            {
                foreach (var record in MetadataBatches.Read(piece[..size])[0].ControlRecords)
                    yield return record;
            }

            piece = piece[size..];
        }
    }

    private static (int Size, bool IsControl) Measure(ReadOnlySpan<byte> bytes)
    {
        var batch = new RecordBatchView(bytes);
        return (batch.SizeInBytes, batch.IsControl);
    }
}
