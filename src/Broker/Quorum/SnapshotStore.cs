using Microsoft.Extensions.Logging;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>
/// The snapshots beside the metadata log (KIP-630). A file has its name only when it is whole and synced; one that is found to be
/// damaged all the same is put aside under another.
/// </summary>
/// <param name="files">The disk.</param>
/// <param name="directory">The directory of the metadata log.</param>
/// <param name="logger">Snapshots that cannot be used.</param>
internal sealed class SnapshotStore(IFileSystem files, string directory, ILogger logger)
{
    private const string PartSuffix = ".part";
    private const string BrokenSuffix = ".broken";
    private const int HeaderBytesMax = 4096;

    /// <summary>The snapshots, the oldest first; without that of formatting, which stands for no part of the log.</summary>
    public List<SnapshotId> List()
    {
        var found = new List<SnapshotId>();
        foreach (var name in files.ListFiles(directory))
        {
            if (SnapshotId.TryParse(name, out var id) && id != SnapshotId.OfFormatting)
                found.Add(id);
        }

        found.Sort();
        return found;
    }

    /// <summary>Removes what a crash has left unfinished.</summary>
    public void RemoveUnfinished()
    {
        foreach (var name in files.ListFiles(directory))
        {
            if (name.EndsWith(PartSuffix, StringComparison.Ordinal) && SnapshotId.TryParse(name[..^PartSuffix.Length], out _))
                files.DeleteFile(Path.Combine(directory, name));
        }
    }

    /// <summary>The newest snapshot that is whole; those found damaged are put aside, with a line that says so. Null if there is none.</summary>
    public (SnapshotId Id, SnapshotContent Content)? ReadNewest()
    {
        var all = List();
        for (var i = all.Count - 1; i >= 0; i--)
        {
            try
            {
                return (all[i], Read(all[i])!);
            }
            catch (MalformedMessageException damage)
            {
                var path = PathOf(all[i]);
                Log.SnapshotBroken(logger, path, damage.Message);
                files.Rename(path, path + BrokenSuffix);
            }
        }

        return null;
    }

    /// <summary>
    /// What formatting left in the snapshot of offset 0; null if it left none. Throws <see cref="MalformedMessageException"/> if it
    /// is damaged.
    /// </summary>
    public SnapshotContent? ReadFormatted() => Read(SnapshotId.OfFormatting);

    /// <summary>When the last record that a snapshot holds was written, Unix ms; null if it cannot be told.</summary>
    public long? ReadTimestamp(SnapshotId id)
    {
        try
        {
            using var file = files.Open(PathOf(id), create: false);
            var bytes = new byte[Math.Min(file.Size, HeaderBytesMax)];
            return SnapshotContent.ReadTimestamp(bytes.AsMemory(0, file.Read(0, bytes)));
        }
        catch (MalformedMessageException)
        {
            return null; // its turn to be read, and to be put aside, comes only when those after it are gone
        }
    }

    /// <summary>The bytes of a snapshot.</summary>
    public long SizeOf(SnapshotId id) => files.FileSize(PathOf(id));

    /// <summary>
    /// Writes a snapshot; when this returns, it survives a power cut. Throws <see cref="IOException"/> if the disk refuses, and
    /// <see cref="OperationCanceledException"/>; nothing of it is left then.
    /// </summary>
    /// <param name="image">What it is to hold; its end offset and epoch are the snapshot's.</param>
    /// <param name="lastTimestampMs">The timestamp of the last record of it.</param>
    /// <param name="voters">The quorum's voters, if the log has them.</param>
    /// <param name="nowMs">The time.</param>
    /// <param name="cancellation">Gives up.</param>
    public SnapshotId Write(MetadataImage image, long lastTimestampMs, VotersRecord? voters, long nowMs, CancellationToken cancellation)
    {
        var id = new SnapshotId(image.EndOffset, image.Epoch);
        var part = PathOf(id) + PartSuffix;
        try
        {
            using (var file = files.Open(part, create: true))
            {
                using var output = new FileOutput(file);
                using var writer = new SnapshotWriter(output, id.Epoch);
                writer.Begin(lastTimestampMs, voters, nowMs);
                writer.Append(SnapshotRecords.Of(image).Select(Unless(cancellation)), image.Features.MetadataVersion, nowMs);
                writer.End(nowMs);
                output.Complete();
            }

            files.Rename(part, PathOf(id));
            files.SyncDirectory(directory);
            return id;
        }
        catch
        {
            TryDelete(part);
            throw;
        }
    }

    /// <summary>Removes a snapshot.</summary>
    public void Delete(SnapshotId id) => files.DeleteFile(PathOf(id));

    private static Func<IMetadataRecord, IMetadataRecord> Unless(CancellationToken cancellation) => record =>
    {
        cancellation.ThrowIfCancellationRequested();
        return record;
    };

    private SnapshotContent? Read(SnapshotId id) => files.ReadAllOrNull(PathOf(id)) is { } bytes ? SnapshotContent.Read(bytes) : null;

    private void TryDelete(string path)
    {
        try
        {
            files.DeleteFile(path);
        }
        catch (IOException)
        {
            // the next start removes it; what is told is why it was not finished
        }
    }

    private string PathOf(SnapshotId id) => Path.Combine(directory, id.FileName);
}
