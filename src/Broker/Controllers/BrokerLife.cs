using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Features;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker.Controllers;

/// <summary>This broker as the controller knows it: registers it, keeps it alive, and reports log directories that have failed.</summary>
internal sealed class BrokerLife(
    ControllerService controller, MetadataCache metadata, BrokerConfig config, LogManager logs, Uuid incarnationId, ILogger<BrokerLife> logger) : IDisposable
{
    private ITimer? heartbeats;
    private BrokerRegistrationRequest? registration;

    /// <summary>The epoch of this life: the offset at which the broker registered. -1 before.</summary>
    public long Epoch { get; private set; } = -1;

    /// <summary>Registers and becomes active. Throws <see cref="BrokerStartException"/> if the controller refuses.</summary>
    public async Task Begin(IEnumerable<Endpoint> endpoints, TimeProvider time)
    {
        registration = new BrokerRegistrationRequest
        {
            BrokerId = config.NodeId,
            ClusterId = logs.ClusterId,
            IncarnationId = incarnationId,
            Listeners = [.. endpoints.Select(endpoint => new BrokerRegistrationRequest.Listener
            {
                Name = endpoint.Name,
                Host = endpoint.Host,
                Port = (ushort)endpoint.Port,
                SecurityProtocol = (short)endpoint.Protocol,
            })],
            Features = [.. FeatureSet.Supported.Select(feature => new BrokerRegistrationRequest.Feature
            {
                Name = feature.Key,
                MinSupportedVersion = feature.Value.Min,
                MaxSupportedVersion = feature.Value.Max,
            })],
            Rack = config.GetStringOrNull("broker.rack"),
            LogDirs = [.. logs.LogDirs.Where(dir => !dir.IsOffline).Select(dir => dir.Id)],
            PreviousBrokerEpoch = logs.PreviousBrokerEpoch,
        };
        if (await Register(registration) is var refused and not ErrorCode.None)
            throw new BrokerStartException($"the controller refuses broker {config.NodeId}: {refused.Message()}");
        var interval = TimeSpan.FromMilliseconds(config.GetInt("broker.heartbeat.interval.ms"));
        heartbeats = time.CreateTimer(static state => _ = ((BrokerLife)state!).Beat(), this, interval, interval);
    }

    /// <summary>Says that it is there, and which of its log directories are not. Throws nothing.</summary>
    public async Task Beat()
    {
        var request = new BrokerHeartbeatRequest
        {
            BrokerId = config.NodeId,
            BrokerEpoch = Epoch,
            CurrentMetadataOffset = metadata.Image.EndOffset,
            OfflineLogDirs = [.. logs.LogDirs.Where(dir => dir.IsOffline).Select(dir => dir.Id)],
        };
        try
        {
            var answer = await controller.Execute(
                (decisions, image, context) => decisions.Heartbeat(image, request, context),
                error => new BrokerHeartbeatResponse { ErrorCode = error });
            if (answer.ErrorCode is not (ErrorCode.BrokerIdNotRegistered or ErrorCode.StaleBrokerEpoch) || request.BrokerEpoch != Epoch)
                return;
            // Somebody has unregistered a broker that is there.
            Log.RegistersAnew(logger, config.NodeId, answer.ErrorCode);
            registration!.LogDirs = [.. logs.LogDirs.Where(dir => !dir.IsOffline).Select(dir => dir.Id)];
            await Register(registration);
        }
        catch (Exception fault) // the edge of a loop: the next beat comes
        {
            Log.HeartbeatFailed(logger, config.NodeId, fault);
        }
    }

    private async Task<ErrorCode> Register(BrokerRegistrationRequest request)
    {
        var registered = await controller.Execute(
            (decisions, image, context) => decisions.RegisterOwnBroker(image, request, context),
            error => new BrokerRegistrationResponse { ErrorCode = error });
        if (registered.ErrorCode == ErrorCode.None)
            Epoch = registered.BrokerEpoch;
        return registered.ErrorCode;
    }

    public void Dispose() => heartbeats?.Dispose();
}
