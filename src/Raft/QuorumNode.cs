using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Raft;

/// <summary>
/// A KRaft voter. Knows no socket, file, clock or thread: its driver owns those and tells it what happened, one event at a
/// time. <c>HighWatermark &lt;= FlushedOffset of a majority &lt;= LogEndOffset</c>.
/// </summary>
/// <remarks>
/// Elections among several voters need messages that this node does not speak yet; <see cref="Start"/> refuses them. With
/// one voter every majority is that voter, and it leads as soon as it starts.
/// </remarks>
public sealed class QuorumNode(QuorumConfig config)
{
    private ElectionState election = ElectionState.None;
    private ImmutableDictionary<int, long> flushed = ImmutableDictionary<int, long>.Empty;
    private long logEndOffset;
    private long epochStartOffset;

    /// <summary>What this node is to the quorum.</summary>
    public QuorumRole Role { get; private set; } = QuorumRole.Unattached;

    /// <summary>The epoch of the last election that this node knows of.</summary>
    public int Epoch => election.Epoch;

    /// <summary>The leader of that epoch, or -1.</summary>
    public int LeaderId => election.LeaderId;

    /// <summary>Whom this node has voted for in that epoch, or -1.</summary>
    public int VotedId => election.VotedId;

    /// <summary>Records below are committed; exclusive. Never goes back.</summary>
    public long HighWatermark { get; private set; }

    /// <summary>
    /// The node comes up, with what it had persisted (null the first time) and the end of its log. A leader does not come back
    /// as one: its epoch ended with it, for it cannot know what it had told others.
    /// </summary>
    public Output Start(ElectionState? persisted, LogEnd log)
    {
        Invariant.Holds(config.IsVoter);
        Invariant.Holds(config.Voters.Length == 1);
        var remembered = persisted ?? ElectionState.None;
        election = log.LastEpoch > remembered.Epoch ? new(log.LastEpoch) : remembered;
        Role = election.LeaderId == config.Local.Id ? QuorumRole.Resigned : QuorumRole.Unattached;
        logEndOffset = log.EndOffset;
        return BecomeCandidate();
    }

    /// <summary>This leader's log grew to <paramref name="endOffset"/> (exclusive).</summary>
    public Output Appended(long endOffset)
    {
        Invariant.Holds(Role == QuorumRole.Leader);
        Invariant.Holds(endOffset >= logEndOffset);
        logEndOffset = endOffset;
        return Output.Nothing;
    }

    /// <summary>Everything below <paramref name="endOffset"/> is on this node's disk.</summary>
    public Output Flushed(long endOffset)
    {
        Invariant.Holds(endOffset <= logEndOffset);
        if (Role != QuorumRole.Leader || endOffset <= flushed.GetValueOrDefault(config.Local.Id))
            return Output.Nothing;
        flushed = flushed.SetItem(config.Local.Id, endOffset);
        return AdvanceHighWatermark();
    }

    /// <summary>This node leads no longer: it is about to stop, or its disk has failed.</summary>
    public Output Resign()
    {
        if (Role == QuorumRole.Leader)
            Role = QuorumRole.Resigned;
        return Output.Nothing;
    }

    /// <summary>A candidate votes for itself; with one voter that is the majority.</summary>
    private Output BecomeCandidate()
    {
        Role = QuorumRole.Candidate;
        election = new(election.Epoch + 1, LeaderId: -1, config.Local.Id, config.Local.DirectoryId);
        ImmutableArray<VoterKey> granting = [config.Local];
        return granting.Length >= config.Majority ? BecomeLeader(granting) : new() { Persist = election };
    }

    private Output BecomeLeader(ImmutableArray<VoterKey> granting)
    {
        Role = QuorumRole.Leader;
        election = new(election.Epoch, config.Local.Id);
        epochStartOffset = logEndOffset;
        flushed = ImmutableDictionary<int, long>.Empty;
        return new()
        {
            Persist = election,
            Append = new(election.Epoch, config.Local.Id, config.Voters, granting),
        };
    }

    /// <summary>
    /// The largest offset that a majority has on disk, once that reaches beyond the start of this epoch: records of earlier
    /// epochs are committed only by one of this epoch's (Raft, section 5.4.2).
    /// </summary>
    private Output AdvanceHighWatermark()
    {
        var offsets = config.Voters
            .Select(voter => flushed.GetValueOrDefault(voter.Id))
            .OrderDescending()
            .ToArray();
        var replicated = offsets[config.Majority - 1];
        if (replicated <= epochStartOffset || replicated <= HighWatermark)
            return Output.Nothing;
        HighWatermark = replicated;
        return new() { HighWatermark = replicated };
    }
}
