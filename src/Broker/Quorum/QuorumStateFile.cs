using Milena.Protocol.Messages;
using Milena.Raft;

namespace Milena.Broker.Quorum;

/// <summary>
/// <c>quorum-state</c> beside the metadata log: what a voter must remember of an election. Written whole to another file,
/// synced, and renamed, so that there is always one or the other.
/// </summary>
internal sealed class QuorumStateFile(string path)
{
    private const short DataVersion = 0;

    /// <summary>What was persisted; null before the first election.</summary>
    public ElectionState? Read()
    {
        if (!File.Exists(path))
            return null;
        var data = QuorumStates.Read(File.ReadAllBytes(path), out _);
        return new ElectionState(data.LeaderEpoch, data.LeaderId, data.VotedId, data.VotedDirectoryId);
    }

    /// <summary>Returns when it is on the disk.</summary>
    public void Write(ElectionState state, IEnumerable<VoterKey> voters)
    {
        var data = new QuorumStateData
        {
            LeaderId = state.LeaderId,
            LeaderEpoch = state.Epoch,
            VotedId = state.VotedId,
            CurrentVoters = [.. voters.Select(voter => new QuorumStateData.Voter { VoterId = voter.Id })],
        };
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(QuorumStates.Write(data, DataVersion));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
