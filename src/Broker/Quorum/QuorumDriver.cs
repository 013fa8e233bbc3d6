using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Raft;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>
/// Gives the quorum's state machine its disk and its clock, and is the log that the controller's lane writes to. What is
/// committed is handed on, in order, before anyone learns of it.
/// </summary>
/// <param name="config">Who votes.</param>
/// <param name="log"><c>__cluster_metadata-0</c>.</param>
/// <param name="stateFile">What survives a restart.</param>
/// <param name="publish">Told of each run of committed records with the end offset (exclusive) and epoch behind it.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Elections and failures.</param>
internal sealed class QuorumDriver(
    QuorumConfig config,
    PartitionLog log,
    QuorumStateStore stateFile,
    Action<IReadOnlyList<IMetadataRecord>, long, int> publish,
    TimeProvider time,
    ILogger<QuorumDriver> logger) : IReplayLog<IMetadataRecord>
{
    private readonly QuorumNode node = new(config);
    private readonly RecordBatchBuilder builder = new();

    // Guards the state machine and what is on its way; held neither while the disk is waited for nor while committed records are acted on.
    private readonly Lock gate = new();
    private readonly Queue<(long EndOffset, IReadOnlyList<IMetadataRecord> Records)> uncommitted = new();

    // Held while committed records are acted on, one run after the other.
    private readonly Lock publishing = new();

    /// <summary>The level at which records are written; the controller's newest image knows it.</summary>
    public Func<short> MetadataVersion { get; set; } = () => MetadataVersions.Latest;

    /// <summary>The epoch that this node leads.</summary>
    public int Epoch => node.Epoch;

    /// <summary>Everything below it is committed.</summary>
    public long HighWatermark => node.HighWatermark;

    /// <summary>
    /// Comes up and leads, as the only voter does: everything that the log holds is committed when this returns. Throws
    /// <see cref="IOException"/> if the disk refuses.
    /// </summary>
    public async Task Start()
    {
        Perform(node.Start(stateFile.Read(), new LogEnd(log.LogEndOffset, Math.Max(log.Epochs.Latest, 0))));
        if (await Committed(log.LogEndOffset) != ErrorCode.None)
            throw new IOException($"the metadata log in {log.LogDir} cannot be written");
        Log.Leads(logger, config.Local.Id, node.Epoch, node.HighWatermark);
    }

    /// <summary>The metadata records of the whole log, batch by batch. Throws <see cref="MalformedMessageException"/> on a damaged one.</summary>
    public async IAsyncEnumerable<IReadOnlyList<IMetadataRecord>> Replay(
        long fromOffset, long toOffset, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await Task.CompletedTask; // the disk is read at once: nothing else is up yet
        foreach (var piece in WholeBatches.Read(log, Math.Max(fromOffset, log.LogStartOffset), toOffset))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var batch in MetadataBatches.Read(piece))
            {
                if (batch.Records.Count > 0)
                    yield return batch.Records;
            }
        }
    }

    /// <inheritdoc/>
    public AppendOutcome Append(IReadOnlyList<IMetadataRecord> records)
    {
        lock (gate)
        {
            if (node.Role != QuorumRole.Leader)
                return AppendOutcome.Refused(ErrorCode.NotController);
            var batch = MetadataBatches.Write(builder, records, MetadataVersion(), log.LogEndOffset, node.Epoch, NowMs);
            var appended = log.AppendAsLeader(batch, node.Epoch, AppendOrigin.Raft);
            if (appended.Error != ErrorCode.None)
                return AppendOutcome.Refused(appended.Error);
            var endOffset = appended.LastOffset + 1;
            uncommitted.Enqueue((endOffset, records));
            Perform(node.Appended(endOffset));
            return AppendOutcome.Appended(endOffset);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ErrorCode> Committed(long endOffset)
    {
        var flushed = await log.FlushAsync(endOffset);
        if (flushed != ErrorCode.None)
        {
            lock (gate)
                Perform(node.Resign());
            Log.Resigned(logger, config.Local.Id, node.Epoch, flushed);
            return flushed;
        }

        lock (publishing)
        {
            lock (gate)
                Perform(node.Flushed(endOffset));
            Publish();
        }

        return ErrorCode.None;
    }

    /// <summary>Gives up leadership before the node stops.</summary>
    public void Resign()
    {
        lock (gate)
            Perform(node.Resign());
    }

    private void Publish()
    {
        while (true)
        {
            (long EndOffset, IReadOnlyList<IMetadataRecord> Records) next;
            lock (gate)
            {
                if (!uncommitted.TryPeek(out next) || next.EndOffset > node.HighWatermark)
                    return;
                uncommitted.Dequeue();
            }

            publish(next.Records, next.EndOffset, node.Epoch);
        }
    }

    private void Perform(Output output)
    {
        if (output.Persist is { } state)
            stateFile.Write(state, config.Voters);
        if (output.Append is { } change)
            AppendLeaderChange(change);
        if (output.HighWatermark is { } watermark)
            log.AdvanceHighWatermark(watermark);
    }

    private void AppendLeaderChange(LeaderChange change)
    {
        log.Epochs.Assign(change.Epoch, log.LogEndOffset);
        var batch = EpochStartBatch.Write(builder, change, kraftVersion: 0, votersToWrite: null, log.LogEndOffset, NowMs);
        var appended = log.AppendAsLeader(batch, change.Epoch, AppendOrigin.Raft);
        if (appended.Error != ErrorCode.None)
            throw new IOException($"the metadata log in {log.LogDir} cannot be written: {appended.Error}");
        Perform(node.Appended(appended.LastOffset + 1));
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
