using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Raft;

/// <summary>A voter as the log knows it: its node id and the id of the directory that holds its metadata log (KIP-853).</summary>
public readonly record struct VoterKey(int Id, Uuid DirectoryId);

/// <summary>Who this node is, and who votes.</summary>
/// <param name="Local">This node.</param>
/// <param name="Voters">All voters; this node may or may not be among them.</param>
public sealed record QuorumConfig(VoterKey Local, ImmutableArray<VoterKey> Voters)
{
    /// <summary>Whether this node votes.</summary>
    public bool IsVoter => Voters.Any(voter => voter.Id == Local.Id);

    /// <summary>How many voters make a majority.</summary>
    public int Majority => Voters.Length / 2 + 1;

    /// <summary>
    /// Why a node that is configured like this cannot start, or null if it can; to be asked before <see cref="QuorumNode.Start"/>,
    /// which takes it for granted.
    /// </summary>
    public string? Refusal => Voters.Length != 1
        ? $"a quorum of {Voters.Length} voters is not supported yet: there must be one"
        : IsVoter ? null : $"node {Local.Id} is not the voter of the quorum, which is node {Voters[0].Id}";
}

/// <summary>
/// What a node must remember of an election for as long as it lives, whatever happens: the content of <c>quorum-state</c>.
/// </summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="LeaderId">Its leader, or -1 if none is known.</param>
/// <param name="VotedId">For whom this node voted in it, or -1.</param>
/// <param name="VotedDirectoryId">That voter's directory; zero if not known.</param>
public sealed record ElectionState(int Epoch, int LeaderId = -1, int VotedId = -1, Uuid VotedDirectoryId = default)
{
    /// <summary>Before the first election.</summary>
    public static ElectionState None { get; } = new(0);
}

/// <summary>Where a log ends: the offset that is written next, and the epoch of the last record.</summary>
public readonly record struct LogEnd(long EndOffset, int LastEpoch);

/// <summary>What a voter is to the quorum (KIP-595). Observers are only ever unattached or followers.</summary>
public enum QuorumRole
{
    /// <summary>It knows of no leader.</summary>
    Unattached,

    /// <summary>It follows a leader.</summary>
    Follower,

    /// <summary>It asks to be elected.</summary>
    Candidate,

    /// <summary>It leads.</summary>
    Leader,

    /// <summary>It led this epoch, and does so no longer.</summary>
    Resigned,
}
