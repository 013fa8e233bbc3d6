using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

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

    /// <summary>
    /// Decides on the newest image; the answer comes when what was decided is committed and published. Where a client's quota of
    /// mutations counts, <paramref name="takeMutations"/> takes from it.
    /// </summary>
    public ValueTask<TResponse> Execute<TResponse>(
        Func<Controller, MetadataImage, ControllerContext, Decision<TResponse, IMetadataRecord>> decide,
        Func<ErrorCode, TResponse> refuse,
        short version = short.MaxValue,
        Func<int, bool>? takeMutations = null) =>
        lane.Execute(
            image => decide(
                controller,
                image.At(image.EndOffset + offsetsAhead + quorum.OwnRecords, quorum.Epoch),
                new ControllerContext(time.GetUtcNow().ToUnixTimeMilliseconds(), random)
                {
                    Version = version,
                    TakeMutations = takeMutations ?? (static _ => true),
                }),
            refuse);

    /// <summary>Decides nothing any more.</summary>
    public void Close()
    {
        quorum.Resign();
        lane.Close();
    }
}
