using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Metrics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Raft;

namespace Milena.Broker.Controllers;

/// <summary>
/// The active controller of this node: a lane on which its decisions are made, appended to the metadata log, applied, and
/// answered when they are committed and published. There is no other way to change the cluster.
/// </summary>
internal sealed class ControllerService
{
    private readonly Controller controller;
    private readonly QuorumDriver quorum;
    private readonly Random random;
    private readonly TimeProvider time;
    private readonly ReplayLane<MetadataImage, IMetadataRecord> lane;
    private long decisions;
    private long faults;
    private long fenced;
    private int waiting;
    private long offsetsAhead; // how many offsets of the log the lane does not count: control records, and what a snapshot folded

    public ControllerService(Controller controller, QuorumDriver quorum, Random random, TimeProvider time)
    {
        this.controller = controller;
        this.quorum = quorum;
        this.random = random;
        this.time = time;
        var model = new ReplayModel<MetadataImage, IMetadataRecord>(
            MetadataImage.Empty,
            static (image, records) => image.Apply(records).At(image.EndOffset + records.Count, image.Epoch));
        lane = new(model, LaneErrors.Controller);
        quorum.MetadataVersion = () => lane.TryPeek(out var image) ? image.Features.MetadataVersion : MetadataImage.Empty.Features.MetadataVersion;
    }

    /// <summary>
    /// Replays the metadata log and begins to decide. Returns the image that the log tells, all of it committed. Throws
    /// <see cref="MalformedMessageException"/> if the log is damaged.
    /// </summary>
    public async Task<MetadataImage> Open()
    {
        var end = quorum.HighWatermark;
        if (!await lane.Open(quorum, quorum.Replay(end), end) || !lane.TryPeek(out var image))
            throw new IOException("the metadata log was lost while it was read");
        offsetsAhead = end - image.EndOffset;
        return image.At(end, quorum.Epoch);
    }

    /// <summary>Whether this node is the active controller.</summary>
    public bool IsActive => quorum.Role == QuorumRole.Leader && lane.Status == LaneStatus.Open;

    /// <summary>Everything below it is committed.</summary>
    public long HighWatermark => quorum.HighWatermark;

    /// <summary>How many decisions were begun.</summary>
    public long DecisionCount => Interlocked.Read(ref decisions);

    /// <summary>How many of them failed by a fault of ours.</summary>
    public long FaultCount => Interlocked.Read(ref faults);

    /// <summary>How many brokers were fenced because nothing was heard of them.</summary>
    public long FencedCount => Interlocked.Read(ref fenced);

    /// <summary>How many have not been begun.</summary>
    public int WaitingCount => Volatile.Read(ref waiting);

    /// <summary>How long one waits for its turn, microseconds; null if nobody wants to know.</summary>
    public Histogram? QueueTime { get; set; }

    /// <summary>How long one takes, microseconds; null if nobody wants to know.</summary>
    public Histogram? ProcessingTime { get; set; }

    /// <summary>
    /// Decides on the newest image; the answer comes when what was decided is committed and published. Where a client's quota of
    /// mutations counts, <paramref name="takeMutations"/> takes from it.
    /// </summary>
    public ValueTask<TResponse> Execute<TResponse>(
        Func<Controller, MetadataImage, ControllerContext, Decision<TResponse, IMetadataRecord>> decide,
        Func<ErrorCode, TResponse> refuse,
        short version = short.MaxValue,
        Func<int, bool>? takeMutations = null)
    {
        var asked = new Asked(this);
        return lane.Execute(Decide, Refuse);

        Decision<TResponse, IMetadataRecord> Decide(MetadataImage image)
        {
            var begun = asked.Begin();
            try
            {
                return decide(
                    controller,
                    image.At(image.EndOffset + offsetsAhead + quorum.OwnRecords, quorum.Epoch),
                    new ControllerContext(time.GetUtcNow().ToUnixTimeMilliseconds(), random)
                    {
                        Version = version,
                        TakeMutations = takeMutations ?? (static _ => true),
                    });
            }
            catch
            {
                Interlocked.Increment(ref faults);
                throw;
            }
            finally
            {
                ProcessingTime?.Update(Micros(begun));
            }
        }

        TResponse Refuse(ErrorCode error)
        {
            asked.GiveUp();
            return refuse(error);
        }
    }

    /// <summary>A broker was fenced because nothing was heard of it.</summary>
    public void CountFenced() => Interlocked.Increment(ref fenced);

    /// <summary>Decides nothing any more.</summary>
    public void Close()
    {
        quorum.Resign();
        lane.Close();
    }

    private long Micros(long since) => time.GetElapsedTime(since).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>A decision that somebody asked for. Its turn comes once, more than once (after others had been refused), or never.</summary>
    private sealed class Asked
    {
        private readonly ControllerService service;
        private readonly long at;
        private int isWaiting = 1;

        public Asked(ControllerService service)
        {
            this.service = service;
            at = service.time.GetTimestamp();
            Interlocked.Increment(ref service.waiting);
        }

        public long Begin()
        {
            if (GiveUp())
            {
                Interlocked.Increment(ref service.decisions);
                service.QueueTime?.Update(service.Micros(at));
            }

            return service.time.GetTimestamp();
        }

        public bool GiveUp()
        {
            if (Interlocked.Exchange(ref isWaiting, 0) == 0)
                return false;
            Interlocked.Decrement(ref service.waiting);
            return true;
        }
    }
}
