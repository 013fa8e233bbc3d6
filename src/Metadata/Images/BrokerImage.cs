using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>A broker as it registered. Its epoch is the offset of the record that registered it.</summary>
public sealed record BrokerImage(int Id, long Epoch, Uuid IncarnationId)
{
    /// <summary>Where it is reached, by listener.</summary>
    public ImmutableArray<Endpoint> Endpoints { get; init; } = [];

    /// <summary>The levels of features that it can work at.</summary>
    public ImmutableSortedDictionary<string, VersionRange> Features { get; init; } =
        ImmutableSortedDictionary<string, VersionRange>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>Where it stands, or null.</summary>
    public string? Rack { get; init; }

    /// <summary>The ids of its log directories that are online.</summary>
    public ImmutableArray<Uuid> Directories { get; init; } = [];

    /// <summary>A fenced broker serves nobody: it has not caught up, or was not heard of.</summary>
    public bool IsFenced { get; init; }

    /// <summary>It is about to leave and must get no more leaderships.</summary>
    public bool IsInControlledShutdown { get; init; }

    /// <summary>Left over from ZooKeeper's time; kept so that a snapshot says what the log said.</summary>
    public bool IsMigratingZkBroker { get; init; }

    /// <summary>Whether it may lead and be in sync.</summary>
    public bool IsActive => !IsFenced && !IsInControlledShutdown;

    /// <summary>Its address on a listener, or null if it does not have that listener.</summary>
    public Endpoint? EndpointOf(string listener) => Endpoints.FirstOrDefault(endpoint => endpoint.Name == listener);

    internal static BrokerImage From(RegisterBrokerRecord record) => new(record.BrokerId, record.BrokerEpoch, record.IncarnationId)
    {
        Endpoints = [.. record.EndPoints.Select(endpoint => new Endpoint(endpoint.Name, endpoint.Host, endpoint.Port, (SecurityProtocol)endpoint.SecurityProtocol))],
        Features = record.Features.ToImmutableSortedDictionary(
            feature => feature.Name, feature => new VersionRange(feature.MinSupportedVersion, feature.MaxSupportedVersion), StringComparer.Ordinal),
        Rack = record.Rack,
        Directories = [.. record.LogDirs],
        IsFenced = record.Fenced,
        IsInControlledShutdown = record.InControlledShutdown,
        IsMigratingZkBroker = record.IsMigratingZkBroker,
    };

    internal BrokerImage With(BrokerRegistrationChangeRecord record) => this with
    {
        IsFenced = record.Fenced switch { > 0 => true, < 0 => false, _ => IsFenced },
        IsInControlledShutdown = record.InControlledShutdown > 0 || IsInControlledShutdown,
        Directories = record.LogDirs.Length > 0 ? [.. record.LogDirs] : Directories,
    };

    internal RegisterBrokerRecord ToRecord(short metadataVersion) => new()
    {
        BrokerId = Id,
        BrokerEpoch = Epoch,
        IncarnationId = IncarnationId,
        IsMigratingZkBroker = IsMigratingZkBroker,
        EndPoints = [.. Endpoints.Select(endpoint => new RegisterBrokerRecord.BrokerEndpoint
        {
            Name = endpoint.Name,
            Host = endpoint.Host,
            Port = (ushort)endpoint.Port,
            SecurityProtocol = (short)endpoint.Protocol,
        })],
        Features = [.. Features.Select(feature => new RegisterBrokerRecord.BrokerFeature
        {
            Name = feature.Key,
            MinSupportedVersion = feature.Value.Min,
            MaxSupportedVersion = feature.Value.Max,
        })],
        Rack = Rack,
        Fenced = IsFenced,
        InControlledShutdown = IsInControlledShutdown,
        LogDirs = MetadataHasDirectories(metadataVersion) ? [.. Directories] : [],
    };

    private static bool MetadataHasDirectories(short metadataVersion) => Metadata.Features.MetadataVersions.HasDirectories(metadataVersion);
}
