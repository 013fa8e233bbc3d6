using System.Collections.Immutable;
using Milena.Raft;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>
/// <c>quorum-state</c> beside the metadata log, on the disk. Written whole to another file, synced, and renamed, so that there
/// is always one or the other.
/// </summary>
/// <param name="files">The disk.</param>
/// <param name="directory">The directory of the metadata log.</param>
/// <param name="kraftVersion">0 if the voters stand in the configuration and in this file, 1 if they are in the log.</param>
internal sealed class QuorumStateStore(IFileSystem files, string directory, short kraftVersion)
{
    private readonly string path = Path.Combine(directory, "quorum-state");

    /// <summary>What was persisted; null before the first election.</summary>
    public ElectionState? Read() => files.ReadAllOrNull(path) is { } bytes ? QuorumStateFile.Read(bytes) : null;

    /// <summary>Returns when it is on the disk.</summary>
    public void Write(ElectionState state, ImmutableArray<VoterKey> voters) =>
        files.ReplaceDurably(path, QuorumStateFile.Write(state, voters, kraftVersion));
}
