using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>BrokerRegistration (62), BrokerHeartbeat (63), UnregisterBroker (64): the life of a broker.</summary>
public sealed partial class Controller
{
    /// <summary>
    /// BrokerRegistration (62): a broker says where it is and what it can do. A new process of it begins fenced with a new epoch,
    /// the offset of its record; the same process amends what it said. v3 and v4 carry the epoch of the last clean shutdown: if it
    /// is not that of the last registration, the broker may have lost what it had not flushed (KIP-966).
    /// </summary>
    public Decision<BrokerRegistrationResponse, IMetadataRecord> RegisterBroker(
        MetadataImage image, BrokerRegistrationRequest request, ControllerContext context)
    {
        image.Brokers.TryGetValue(request.BrokerId, out var existing);
        var isSameProcess = existing?.IncarnationId == request.IncarnationId;
        if (CheckRegistration(image, request, existing, isSameProcess, context.NowMs) is { IsError: true } error)
            return new(new BrokerRegistrationResponse { ErrorCode = error.Code });

        var records = new List<IMetadataRecord>();
        if (existing is not null && !isSameProcess)
            records.AddRange(AfterShutdown(image, request.BrokerId, isClean: request.PreviousBrokerEpoch == existing.Epoch));
        var broker = Registration(image, request, existing, isSameProcess ? existing!.Epoch : image.EndOffset + records.Count);
        records.Add(broker);
        Sessions.Heard(broker.BrokerId, broker.BrokerEpoch, metadataOffset: null, context.NowMs);
        return new(new BrokerRegistrationResponse { BrokerEpoch = broker.BrokerEpoch }, [.. records]);
    }

    /// <summary>
    /// What <see cref="RegisterBroker"/> and the first <see cref="Heartbeat"/> decide, in one step and one batch, for the broker that is the
    /// controller's own process: when the records are committed, it has caught up with them. A partition that has no other leader would be
    /// given up and taken back; here that is one change. Its leader's epoch grows all the same.
    /// </summary>
    public Decision<BrokerRegistrationResponse, IMetadataRecord> RegisterOwnBroker(
        MetadataImage image, BrokerRegistrationRequest request, ControllerContext context)
    {
        image.Brokers.TryGetValue(request.BrokerId, out var existing);
        var isSameProcess = existing?.IncarnationId == request.IncarnationId;
        if (CheckRegistration(image, request, existing, isSameProcess, context.NowMs) is { IsError: true } error)
            return new(new BrokerRegistrationResponse { ErrorCode = error.Code });

        var broker = Registration(image, request, existing, isSameProcess ? existing!.Epoch : image.EndOffset);
        var unfenced = new BrokerRegistrationChangeRecord { BrokerId = broker.BrokerId, BrokerEpoch = broker.BrokerEpoch, Fenced = -1 };
        var gone = existing is null || isSameProcess
            ? default
            : EventOfShutdown(image, broker.BrokerId, isClean: request.PreviousBrokerEpoch == existing.Epoch);
        var changes = ChangesOfRestart(image, image.Apply(broker), gone, new BrokerEvent(Came: broker.BrokerId));
        Sessions.Heard(broker.BrokerId, broker.BrokerEpoch, image.EndOffset, context.NowMs);
        return new(new BrokerRegistrationResponse { BrokerEpoch = broker.BrokerEpoch }, [broker, unfenced, .. changes]);
    }

    /// <summary>
    /// BrokerHeartbeat (63): keeps a broker's session alive, and moves it between fenced, active and leaving as it wants and may.
    /// v1 reports log directories that have failed.
    /// </summary>
    public Decision<BrokerHeartbeatResponse, IMetadataRecord> Heartbeat(
        MetadataImage image, BrokerHeartbeatRequest request, ControllerContext context)
    {
        if (!image.Brokers.TryGetValue(request.BrokerId, out var broker))
            return new(new BrokerHeartbeatResponse { ErrorCode = ErrorCode.BrokerIdNotRegistered });
        if (broker.Epoch != request.BrokerEpoch)
            return new(new BrokerHeartbeatResponse { ErrorCode = ErrorCode.StaleBrokerEpoch });

        var isCaughtUp = request.CurrentMetadataOffset >= broker.Epoch;
        var next = NextState(image, broker, request, isCaughtUp);
        var records = new List<IMetadataRecord>();
        if (next != StateOf(broker))
            records.AddRange(Move(image, broker, next));
        if (request.OfflineLogDirs.Length > 0)
            records.AddRange(DirectoriesLost(image.Apply(records), request));

        Sessions.Heard(broker.Id, broker.Epoch, request.CurrentMetadataOffset, context.NowMs);
        if (next == BrokerPhase.Leaving)
            Sessions.BeganShutdown(broker.Id, image.EndOffset + records.Count);
        var response = new BrokerHeartbeatResponse
        {
            IsCaughtUp = isCaughtUp,
            IsFenced = next is BrokerPhase.Fenced or BrokerPhase.MayLeave,
            ShouldShutDown = next == BrokerPhase.MayLeave,
        };
        return new(response, [.. records]);
    }

    /// <summary>
    /// Fences one broker whose session is over, if there is one; to be asked again and again (Kafka asks every quarter of a
    /// session). Says which it was.
    /// </summary>
    public Decision<int?, IMetadataRecord> FenceStaleBroker(MetadataImage image, ControllerContext context)
    {
        foreach (var broker in image.Brokers.Values.Where(broker => !broker.IsFenced))
        {
            Sessions.Watch(broker.Id, broker.Epoch, context.NowMs);
            if (Sessions.IsExpired(broker.Id, broker.Epoch, context.NowMs))
                return new(broker.Id, [.. Move(image, broker, BrokerPhase.Fenced)]);
        }

        return new(null);
    }

    /// <summary>UnregisterBroker (64): forgets a broker that will not come back.</summary>
    public Decision<UnregisterBrokerResponse, IMetadataRecord> UnregisterBroker(MetadataImage image, UnregisterBrokerRequest request)
    {
        if (!image.Brokers.TryGetValue(request.BrokerId, out var broker))
        {
            return new(new UnregisterBrokerResponse
            {
                ErrorCode = ErrorCode.BrokerIdNotRegistered,
                ErrorMessage = $"Broker ID {request.BrokerId} is not currently registered",
            });
        }

        var unregistration = new UnregisterBrokerRecord { BrokerId = broker.Id, BrokerEpoch = broker.Epoch };
        var changes = PartitionChanges(image, partition => partition.Isr.Contains(broker.Id), new BrokerEvent(Gone: broker.Id));
        Sessions.Forget(broker.Id);
        return new(new UnregisterBrokerResponse { ErrorMessage = null }, [.. changes, unregistration]);
    }

    private enum BrokerPhase
    {
        Fenced,
        Active,

        /// <summary>In controlled shutdown: it gives up its leaderships.</summary>
        Leaving,

        /// <summary>Fenced, and told to go.</summary>
        MayLeave,
    }

    private static BrokerPhase StateOf(BrokerImage broker) =>
        broker.IsFenced ? BrokerPhase.Fenced : broker.IsInControlledShutdown ? BrokerPhase.Leaving : BrokerPhase.Active;

    private BrokerPhase NextState(MetadataImage image, BrokerImage broker, BrokerHeartbeatRequest request, bool isCaughtUp)
    {
        switch (StateOf(broker))
        {
            case BrokerPhase.Fenced when request.WantShutDown:
                return BrokerPhase.MayLeave;
            case BrokerPhase.Fenced: // a process that began to leave does not come back: the next one registers anew
                var mayServe = !request.WantFence && !broker.IsInControlledShutdown && isCaughtUp;
                return mayServe ? BrokerPhase.Active : BrokerPhase.Fenced;
            case BrokerPhase.Active when request.WantFence:
                return request.WantShutDown ? BrokerPhase.MayLeave : BrokerPhase.Fenced;
            case BrokerPhase.Active when request.WantShutDown:
                return Leads(image, broker.Id) ? BrokerPhase.Leaving : BrokerPhase.MayLeave;
            case BrokerPhase.Active:
                return BrokerPhase.Active;
            default:
                return !Leads(image, broker.Id) && AllKnowOfShutdown(image, broker) ? BrokerPhase.MayLeave : BrokerPhase.Leaving;
        }
    }

    // Others must have heard that the leaderships moved, or they would still send clients to it.
    private bool AllKnowOfShutdown(MetadataImage image, BrokerImage leaving)
    {
        var began = Sessions.ShutdownOffset(leaving.Id) ?? leaving.Epoch;
        return image.Brokers.Values.Where(broker => broker.IsActive).All(broker => Sessions.MetadataOffset(broker.Id) >= began);
    }

    private static bool Leads(MetadataImage image, int brokerId) =>
        image.Topics.ById.Values.Any(topic => topic.Partitions.Values.Any(partition => partition.Leader == brokerId));

    private IEnumerable<IMetadataRecord> Move(MetadataImage image, BrokerImage broker, BrokerPhase next)
    {
        var change = new BrokerRegistrationChangeRecord { BrokerId = broker.Id, BrokerEpoch = broker.Epoch };
        switch (next)
        {
            case BrokerPhase.Active:
                change.Fenced = -1;
                return [change, .. PartitionChanges(image, partition => !partition.HasLeader, new BrokerEvent(Came: broker.Id))];
            case BrokerPhase.Leaving:
                change.InControlledShutdown = 1;
                return [change, .. WithoutBroker(image, broker.Id)];
            default:
                change.Fenced = 1;
                return broker.IsFenced ? [] : [.. WithoutBroker(image, broker.Id), change];
        }
    }

    private IEnumerable<IMetadataRecord> WithoutBroker(MetadataImage image, int brokerId) =>
        PartitionChanges(image, partition => partition.Isr.Contains(brokerId), new BrokerEvent(Gone: brokerId));

    // The last process of the broker is gone. After a clean end its replicas are as good as a fenced broker's.
    private IEnumerable<IMetadataRecord> AfterShutdown(MetadataImage image, int brokerId, bool isClean)
    {
        var gone = EventOfShutdown(image, brokerId, isClean);
        return PartitionChanges(image, gone.Concerns, gone);
    }

    private static BrokerEvent EventOfShutdown(MetadataImage image, int brokerId, bool isClean) =>
        isClean || !MetadataVersions.HasEligibleLeaders(image.Features.MetadataVersion) || !image.Features.HasEligibleLeaders
            ? new BrokerEvent(Gone: brokerId)
            : new BrokerEvent(Unclean: brokerId);

    private IEnumerable<IMetadataRecord> DirectoriesLost(MetadataImage image, BrokerHeartbeatRequest request)
    {
        var broker = image.Brokers[request.BrokerId];
        var lost = broker.Directories.Where(request.OfflineLogDirs.Contains).ToArray();
        if (lost.Length == 0 || !MetadataVersions.HasDirectories(image.Features.MetadataVersion))
            return [];
        var changes = PartitionChanges(
            image,
            partition => partition.Isr.Contains(broker.Id) && lost.Contains(partition.DirectoryOf(broker.Id)),
            new BrokerEvent(Gone: broker.Id));
        var online = broker.Directories.RemoveRange(lost);
        return
        [
            .. changes,
            new BrokerRegistrationChangeRecord { BrokerId = broker.Id, BrokerEpoch = broker.Epoch, LogDirs = [.. online] },
        ];
    }

    // A new process begins fenced.
    private static RegisterBrokerRecord Registration(MetadataImage image, BrokerRegistrationRequest request, BrokerImage? existing, long epoch)
    {
        var isSameProcess = existing?.IncarnationId == request.IncarnationId;
        return new RegisterBrokerRecord
        {
            BrokerId = request.BrokerId,
            IncarnationId = request.IncarnationId,
            BrokerEpoch = epoch,
            EndPoints = [.. request.Listeners.Select(listener => new RegisterBrokerRecord.BrokerEndpoint
            {
                Name = listener.Name,
                Host = listener.Host,
                Port = listener.Port,
                SecurityProtocol = listener.SecurityProtocol,
            })],
            Features = [.. SupportedBy(request).Select(feature => new RegisterBrokerRecord.BrokerFeature
            {
                Name = feature.Key,
                MinSupportedVersion = feature.Value.Min,
                MaxSupportedVersion = feature.Value.Max,
            })],
            Rack = request.Rack,
            Fenced = !isSameProcess || existing!.IsFenced,
            InControlledShutdown = isSameProcess && existing!.IsInControlledShutdown,
            LogDirs = MetadataVersions.HasDirectories(image.Features.MetadataVersion) ? [.. request.LogDirs.Order()] : [],
        };
    }

    private ApiError CheckRegistration(
        MetadataImage image, BrokerRegistrationRequest request, BrokerImage? existing, bool isSameProcess, long nowMs)
    {
        if (request.ClusterId != clusterId)
            return new ApiError(ErrorCode.InconsistentClusterId);
        if (existing is { IsInControlledShutdown: false } && !isSameProcess && Sessions.IsAlive(existing.Id, existing.Epoch, nowMs))
            return new ApiError(ErrorCode.DuplicateBrokerRegistration);
        if (request.IsMigratingZkBroker)
            return new ApiError(ErrorCode.BrokerIdNotRegistered);
        if (MetadataVersions.HasDirectories(image.Features.MetadataVersion) && !AreDirectoriesValid(image, request))
            return new ApiError(ErrorCode.InvalidRegistration);
        var supported = SupportedBy(request);
        var isSupported = image.Features.Finalized.All(feature =>
            supported.TryGetValue(feature.Key, out var range) && range.Contains(feature.Value));
        return isSupported ? ApiError.None : new ApiError(ErrorCode.UnsupportedVersion);
    }

    private static bool AreDirectoriesValid(MetadataImage image, BrokerRegistrationRequest request) =>
        request.LogDirs.Length > 0
        && !request.LogDirs.Any(directory => directory.IsReserved)
        && request.LogDirs.Distinct().Count() == request.LogDirs.Length
        && !image.Brokers.Values.Any(other => other.Id != request.BrokerId && other.Directories.Any(request.LogDirs.Contains));

    // Who says nothing of metadata.version knows only the lowest level.
    private static SortedDictionary<string, VersionRange> SupportedBy(BrokerRegistrationRequest request)
    {
        var supported = new SortedDictionary<string, VersionRange>(StringComparer.Ordinal)
        {
            [FeatureNames.MetadataVersion] = new(MetadataVersions.Min, MetadataVersions.Min),
        };
        foreach (var feature in request.Features)
            supported[feature.Name] = new VersionRange(feature.MinSupportedVersion, feature.MaxSupportedVersion);
        return supported;
    }
}
