using System.Buffers;
using Milena.Common;
using Milena.Metadata.Features;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Metadata.Log;

/// <summary>
/// Writes a snapshot (KIP-630): <see cref="Begin"/>, <see cref="Append"/> as often as needed, <see cref="End"/>. Offsets within it
/// count from 0; every batch carries the snapshot's epoch. The caller owns the file that the bytes go to.
/// </summary>
public sealed class SnapshotWriter(IBufferWriter<byte> output, int epoch) : IDisposable
{
    private const int BatchRecordsMax = 1024;
    private const int BatchBytesEnough = 1024 * 1024;

    private readonly RecordBatchBuilder builder = new();
    private long nextOffset;

    /// <summary>Writes the header and, where the quorum's voters are in its log (kraft.version 1), the version and the voters.</summary>
    /// <param name="lastContainedLogTimestampMs">The timestamp of the last record that the snapshot stands for.</param>
    /// <param name="voters">The voters; null at kraft.version 0.</param>
    /// <param name="nowMs">The timestamp of these records.</param>
    public void Begin(long lastContainedLogTimestampMs, VotersRecord? voters, long nowMs)
    {
        Invariant.Holds(nextOffset == 0);
        var header = new SnapshotHeaderRecord { LastContainedLogTimestamp = lastContainedLogTimestampMs };
        ControlRecord[] records = [new(ControlRecordType.SnapshotHeader, ControlRecords.WriteValue(header))];
        if (voters is not null)
        {
            var version = new KRaftVersionRecord { KRaftVersion = 1 };
            records =
            [
                .. records,
                new(ControlRecordType.KRaftVersion, ControlRecords.WriteValue(version)),
                new(ControlRecordType.KRaftVoters, ControlRecords.WriteValue(voters)),
            ];
        }

        WriteControl(records, nowMs);
    }

    /// <summary>Writes metadata records, in as many batches as it takes.</summary>
    public void Append(IEnumerable<IMetadataRecord> records, short metadataVersion, long nowMs)
    {
        var isOpen = false;
        foreach (var record in records)
        {
            if (!isOpen)
                builder.Begin(RecordBatchOptions.Default with { BaseOffset = nextOffset, PartitionLeaderEpoch = epoch });
            builder.Append(
                nowMs, key: default, MetadataRecords.Write(record, MetadataVersions.RecordVersion(record, metadataVersion)).AsSpan());
            isOpen = builder.Count < BatchRecordsMax && builder.SizeInBytes < BatchBytesEnough;
            if (!isOpen)
                WriteBatch();
        }

        if (isOpen)
            WriteBatch();
    }

    /// <summary>Writes the footer, without which a reader takes the snapshot for incomplete.</summary>
    public void End(long nowMs) =>
        WriteControl([new(ControlRecordType.SnapshotFooter, ControlRecords.WriteValue(new SnapshotFooterRecord()))], nowMs);

    /// <inheritdoc/>
    public void Dispose() => builder.Dispose();

    private void WriteBatch()
    {
        nextOffset += builder.Count;
        output.Write(builder.Build().Span);
    }

    private void WriteControl(ControlRecord[] records, long nowMs)
    {
        ControlRecordBatch.WriteKRaft(builder, records, nextOffset, epoch, nowMs);
        output.Write(builder.Build().Span);
        nextOffset += records.Length;
    }
}
