using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Metadata.Features;
using Milena.Metadata.Log;
using Milena.Metrics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Raft;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>
/// Gives the quorum's state machine its disk and its clock, and is the log that the controller's lane writes to. What is
/// committed is handed on, in order, before anyone learns of it. What is committed is synced, whatever
/// <c>log.flush.before.ack</c> says of topics: a voter that forgets what it said breaks the quorum.
/// </summary>
/// <param name="quorum">Who votes.</param>
/// <param name="log"><c>__cluster_metadata-0</c>.</param>
/// <param name="start">What the disk held.</param>
/// <param name="stateFile">What survives a restart.</param>
/// <param name="publish">Told of each run of committed records.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Elections and failures.</param>
internal sealed class QuorumDriver(
    QuorumConfig quorum,
    PartitionLog log,
    QuorumStart start,
    QuorumStateStore stateFile,
    Action<CommittedRun> publish,
    TimeProvider time,
    ILogger<QuorumDriver> logger) : IReplayLog<IMetadataRecord>
{
    private readonly QuorumNode node = new(quorum);
    private readonly RecordBatchBuilder builder = new();

    // Guards the state machine and what is on its way; held neither while the disk is waited for nor while committed records are acted on.
    private readonly Lock gate = new();
    private readonly Queue<CommittedRun> uncommitted = new();

    private bool isReplayed;
    private long appendedRecords;

    // Held while committed records are acted on, one run after the other.
    private readonly Lock publishing = new();

    /// <summary>The level at which records are written; the controller's newest image knows it.</summary>
    public Func<short> MetadataVersion { get; set; } = () => MetadataVersions.Latest;

    /// <summary>Who votes.</summary>
    public IReadOnlyList<VoterKey> Voters => quorum.Voters;

    /// <summary>Whether this node leads.</summary>
    public bool IsLeader => node.Role == QuorumRole.Leader;

    /// <summary>Who leads, or -1.</summary>
    public int LeaderId => node.LeaderId;

    /// <summary>Where the metadata log ends; exclusive.</summary>
    public long LogEndOffset => log.LogEndOffset;

    /// <summary>The epoch that this node leads.</summary>
    public int Epoch => node.Epoch;

    /// <summary>Everything below it is committed.</summary>
    public long HighWatermark => node.HighWatermark;

    /// <summary>What this node is to the quorum.</summary>
    public QuorumRole Role => node.Role;

    /// <summary>Whom this node has voted for in the epoch, or -1.</summary>
    public int VotedId => node.VotedId;

    /// <summary>The epoch of the last record.</summary>
    public int LogEndEpoch => log.Epochs.Latest;

    /// <summary>How many records were appended in this life.</summary>
    public long AppendedRecords => Interlocked.Read(ref appendedRecords);

    /// <summary>How long it takes until an append is committed, ms; null if nobody wants to know.</summary>
    public WindowStats? CommitLatency { get; set; }

    /// <summary>How many records this node has appended that nobody asked it to: the frame of what did not fit into one batch.</summary>
    public long OwnRecords { get; private set; }

    /// <summary>
    /// Comes up and leads, as the only voter does: everything that the log holds is committed when this returns. Throws
    /// <see cref="IOException"/> if the disk refuses.
    /// </summary>
    public async Task Start()
    {
        var lastEpoch = Math.Max(Math.Max(log.Epochs.Latest, start.SnapshotId.Epoch), 0);
        Perform(node.Start(stateFile.Read(), new LogEnd(log.LogEndOffset, lastEpoch)));
        if (await Committed(log.LogEndOffset) != ErrorCode.None)
            throw new IOException($"the metadata log in {log.LogDir} cannot be written");
        Log.Leads(logger, quorum.Local.Id, node.Epoch, node.HighWatermark);
    }

    /// <summary>
    /// What the snapshot holds and the log behind it, up to an offset, batch by batch; once, for the snapshot is not kept. Throws
    /// <see cref="MalformedMessageException"/> on a damaged one.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<IMetadataRecord>> Replay(long toOffset)
    {
        await Task.CompletedTask; // the disk is read at once: nothing else is up yet
        Invariant.Holds(!isReplayed);
        isReplayed = true;
        if (start.Snapshot is { Records: { Count: > 0 } folded })
        {
            start = start.WithoutContent();
            yield return folded;
        }

        foreach (var piece in WholeBatches.Read(log, Math.Max(start.SnapshotId.EndOffset, log.LogStartOffset), toOffset))
        {
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
            var version = MetadataVersion();
            if (MetadataBatches.TryWrite(builder, records, version, log.LogEndOffset, node.Epoch, NowMs, out var batch))
                return Append(records, batch);
            var pieces = new List<IReadOnlyList<IMetadataRecord>>();
            return Cut(records, version, pieces) ? AppendAll(pieces, version) : AppendOutcome.Refused(ErrorCode.RecordListTooLarge);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ErrorCode> Committed(long endOffset)
    {
        var started = time.GetTimestamp();
        var flushed = await log.FlushAsync(endOffset);
        if (flushed != ErrorCode.None)
        {
            if (Resign())
                Log.Resigned(logger, quorum.Local.Id, node.Epoch, flushed);
            return flushed;
        }

        lock (publishing)
        {
            lock (gate)
                Perform(node.Flushed(endOffset));
            Publish();
        }

        CommitLatency?.Record(time.GetElapsedTime(started).TotalMilliseconds);
        return ErrorCode.None;
    }

    /// <summary>Gives up leadership: the node stops, or its disk has failed. False if it does not lead.</summary>
    public bool Resign()
    {
        lock (gate)
        {
            var led = node.Role == QuorumRole.Leader;
            Perform(node.Resign());
            return led;
        }
    }

    private void Publish()
    {
        while (true)
        {
            CommittedRun next;
            lock (gate)
            {
                if (!uncommitted.TryPeek(out next) || next.EndOffset > node.HighWatermark)
                    return;
                uncommitted.Dequeue();
            }

            publish(next);
        }
    }

    private AppendOutcome Append(IReadOnlyList<IMetadataRecord> records, Memory<byte> batch)
    {
        var appended = log.AppendAsLeader(batch, node.Epoch, AppendOrigin.Raft);
        if (appended.Error != ErrorCode.None)
            return AppendOutcome.Refused(appended.Error);
        Interlocked.Add(ref appendedRecords, records.Count);
        var endOffset = appended.LastOffset + 1;
        uncommitted.Enqueue(new CommittedRun(records, endOffset, node.Epoch, new RecordBatchView(batch.Span).MaxTimestamp, batch.Length));
        Perform(node.Appended(endOffset));
        return AppendOutcome.Appended(endOffset);
    }

    // Several batches that must be there whole or not at all: a metadata transaction (KIP-868). Levels that do not know those take
    // the risk that a crash leaves a part, as Kafka does at such levels.
    private AppendOutcome AppendAll(List<IReadOnlyList<IMetadataRecord>> pieces, short version)
    {
        if (MetadataVersions.HasTransactions(version))
        {
            pieces.Insert(0, [new BeginTransactionRecord { Name = "records of one append" }]);
            pieces.Add([new EndTransactionRecord()]);
            OwnRecords += 2;
        }

        var outcome = AppendOutcome.Refused(ErrorCode.UnknownServerError);
        foreach (var piece in pieces)
        {
            outcome = Append(piece, MetadataBatches.Write(builder, piece, version, log.LogEndOffset, node.Epoch, NowMs));
            if (outcome.Error == ErrorCode.None)
                continue;
            Perform(node.Resign()); // the disk has failed; what is in the log already is nobody's any more
            break;
        }

        return outcome;
    }

    private bool Cut(IReadOnlyList<IMetadataRecord> records, short version, List<IReadOnlyList<IMetadataRecord>> pieces)
    {
        if (MetadataBatches.TryWrite(builder, records, version, baseOffset: 0, node.Epoch, NowMs, out _))
        {
            pieces.Add(records);
            return true;
        }

        var half = records.Count / 2;
        return half > 0 && Cut([.. records.Take(half)], version, pieces) && Cut([.. records.Skip(half)], version, pieces);
    }

    private void Perform(Output output)
    {
        if (output.Persist is { } state)
            stateFile.Write(state, quorum.Voters);
        if (output.Append is { } change)
            AppendLeaderChange(change);
        if (output.HighWatermark is { } watermark)
            log.AdvanceHighWatermark(watermark);
    }

    private void AppendLeaderChange(LeaderChange change)
    {
        log.Epochs.Assign(change.Epoch, log.LogEndOffset);
        var voters = start.AreVotersFormattedOnly ? start.Voters : null;
        var batch = EpochStartBatch.Write(builder, change, start.KRaftVersion, voters, log.LogEndOffset, NowMs);
        var appended = log.AppendAsLeader(batch, change.Epoch, AppendOrigin.Raft);
        if (appended.Error != ErrorCode.None)
            throw new IOException($"the metadata log in {log.LogDir} cannot be written: {appended.Error}");
        Perform(node.Appended(appended.LastOffset + 1));
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
