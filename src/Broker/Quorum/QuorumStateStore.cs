using System.Collections.Immutable;
using Milena.Raft;

namespace Milena.Broker.Quorum;

/// <summary>
/// <c>quorum-state</c> beside the metadata log, on the disk. Written whole to another file, synced, and renamed, so that there
/// is always one or the other.
/// </summary>
internal sealed class QuorumStateStore(string path)
{
    private const short StaticVoters = 0; // kraft.version 0: the voters stand in the configuration

    /// <summary>What was persisted; null before the first election.</summary>
    public ElectionState? Read() => File.Exists(path) ? QuorumStateFile.Read(File.ReadAllBytes(path)) : null;

    /// <summary>Returns when it is on the disk.</summary>
    public void Write(ElectionState state, ImmutableArray<VoterKey> voters)
    {
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(QuorumStateFile.Write(state, voters, StaticVoters));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
