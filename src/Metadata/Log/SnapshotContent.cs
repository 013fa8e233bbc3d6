using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Metadata.Log;

/// <summary>What a snapshot holds. Also <c>bootstrap.checkpoint</c> is one.</summary>
/// <param name="LastContainedLogTimestampMs">The timestamp of the last record that it stands for.</param>
/// <param name="KRaftVersion">The version of the quorum: 1 if the voters are in the log.</param>
/// <param name="Voters">The voters, or null where the snapshot has none.</param>
/// <param name="Records">The metadata.</param>
public sealed record SnapshotContent(
    long LastContainedLogTimestampMs, short KRaftVersion, VotersRecord? Voters, IReadOnlyList<IMetadataRecord> Records)
{
    /// <summary>The image that the records make, told to tell the log up to where the snapshot ends.</summary>
    public MetadataImage ToImage(long endOffset, int epoch) => MetadataImage.Empty.Apply(Records).At(endOffset, epoch);

    /// <summary>
    /// Only <see cref="LastContainedLogTimestampMs"/>, of which the first bytes of a snapshot tell. Throws
    /// <see cref="MalformedMessageException"/> if they do not.
    /// </summary>
    public static long ReadTimestamp(ReadOnlyMemory<byte> start)
    {
        var size = new RecordBatchView(start.Span).SizeInBytes;
        return MetadataBatches.Read(start[..size]) is [{ ControlRecords: [SnapshotHeaderRecord header, ..] }]
            ? header.LastContainedLogTimestamp
            : throw new MalformedMessageException("a snapshot does not begin with a header");
    }

    /// <summary>Reads a whole snapshot. Throws <see cref="MalformedMessageException"/> if it is damaged or not complete.</summary>
    public static SnapshotContent Read(ReadOnlyMemory<byte> bytes)
    {
        var records = new List<IMetadataRecord>();
        SnapshotHeaderRecord? header = null;
        VotersRecord? voters = null;
        short kraftVersion = 0;
        var isComplete = false;
        foreach (var batch in MetadataBatches.Read(bytes))
        {
            if (isComplete)
                throw new MalformedMessageException("a snapshot goes on behind its footer");
            records.AddRange(batch.Records);
            foreach (var control in batch.ControlRecords)
            {
                switch (control)
                {
                    case SnapshotHeaderRecord first:
                        header = first;
                        break;
                    case KRaftVersionRecord version:
                        kraftVersion = version.KRaftVersion;
                        break;
                    case VotersRecord set:
                        voters = set;
                        break;
                    case SnapshotFooterRecord:
                        isComplete = true;
                        break;
                }
            }

            if (header is null)
                throw new MalformedMessageException("a snapshot does not begin with a header");
        }

        return isComplete
            ? new SnapshotContent(header!.LastContainedLogTimestamp, kraftVersion, voters, records)
            : throw new MalformedMessageException("a snapshot has no footer: it is incomplete");
    }
}
