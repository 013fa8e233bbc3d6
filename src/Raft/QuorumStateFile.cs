using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Raft;

/// <summary>
/// The content of <c>quorum-state</c>. At kraft.version 0 it names the voters too, so that a changed configuration can be
/// noticed; at 1 the log has them, and the file knows the directory of whom this node voted for (KIP-853).
/// </summary>
public static class QuorumStateFile
{
    /// <summary>Reads a file of either version. Throws <see cref="MalformedMessageException"/> if it is none.</summary>
    public static ElectionState Read(ReadOnlyMemory<byte> file)
    {
        var state = QuorumStates.Read(file, out _);
        return new ElectionState(state.LeaderEpoch, state.LeaderId, state.VotedId, state.VotedDirectoryId);
    }

    /// <summary>The file of a state.</summary>
    public static byte[] Write(ElectionState state, ImmutableArray<VoterKey> voters, short kraftVersion) => QuorumStates.Write(
        new QuorumStateData
        {
            LeaderEpoch = state.Epoch,
            LeaderId = state.LeaderId,
            VotedId = state.VotedId,
            VotedDirectoryId = state.VotedDirectoryId,
            CurrentVoters = [.. voters.Select(voter => new QuorumStateData.Voter { VoterId = voter.Id })],
        },
        kraftVersion == 0 ? (short)0 : (short)1);
}
