using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>A controller as it registered (KIP-919).</summary>
public sealed record ControllerImage(int Id, Uuid IncarnationId)
{
    /// <summary>Where it is reached, by listener.</summary>
    public ImmutableArray<Endpoint> Endpoints { get; init; } = [];

    /// <summary>The levels of features that it can work at.</summary>
    public ImmutableSortedDictionary<string, VersionRange> Features { get; init; } =
        ImmutableSortedDictionary<string, VersionRange>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>Left over from ZooKeeper's time; kept so that a snapshot says what the log said.</summary>
    public bool IsZkMigrationReady { get; init; }

    internal static ControllerImage From(RegisterControllerRecord record) => new(record.ControllerId, record.IncarnationId)
    {
        Endpoints = [.. record.EndPoints.Select(endpoint => new Endpoint(endpoint.Name, endpoint.Host, endpoint.Port, (SecurityProtocol)endpoint.SecurityProtocol))],
        Features = record.Features.ToImmutableSortedDictionary(
            feature => feature.Name, feature => new VersionRange(feature.MinSupportedVersion, feature.MaxSupportedVersion), StringComparer.Ordinal),
        IsZkMigrationReady = record.ZkMigrationReady,
    };

    internal RegisterControllerRecord ToRecord() => new()
    {
        ControllerId = Id,
        IncarnationId = IncarnationId,
        ZkMigrationReady = IsZkMigrationReady,
        EndPoints = [.. Endpoints.Select(endpoint => new RegisterControllerRecord.ControllerEndpoint
        {
            Name = endpoint.Name,
            Host = endpoint.Host,
            Port = (ushort)endpoint.Port,
            SecurityProtocol = (short)endpoint.Protocol,
        })],
        Features = [.. Features.Select(feature => new RegisterControllerRecord.ControllerFeature
        {
            Name = feature.Key,
            MinSupportedVersion = feature.Value.Min,
            MaxSupportedVersion = feature.Value.Max,
        })],
    };
}
