using System.Collections.Immutable;

namespace Milena.Metadata.Images;

/// <summary>What a configuration belongs to, numbered as in the protocol and in records.</summary>
public enum ConfigResourceType : sbyte
{
    Unknown = 0,
    Topic = 2,
    Broker = 4,
    BrokerLogger = 8,
    ClientMetrics = 16,
    Group = 32,
}

/// <summary>What a configuration belongs to. A broker without a name stands for all brokers.</summary>
public readonly record struct ConfigResource(ConfigResourceType Type, string Name)
{
    /// <summary>All brokers.</summary>
    public static ConfigResource AllBrokers => new(ConfigResourceType.Broker, "");

    /// <summary>One broker.</summary>
    public static ConfigResource Broker(int id) => new(ConfigResourceType.Broker, id.ToString());

    /// <summary>One topic.</summary>
    public static ConfigResource Topic(string name) => new(ConfigResourceType.Topic, name);

    /// <summary>One group.</summary>
    public static ConfigResource Group(string id) => new(ConfigResourceType.Group, id);
}

/// <summary>What was set dynamically, for each resource.</summary>
public sealed record ConfigsImage
{
    private static readonly ImmutableSortedDictionary<string, string> Nothing =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>Nothing set.</summary>
    public static ConfigsImage Empty { get; } = new();

    /// <summary>What is set, for each resource for which something is; in no order.</summary>
    public ImmutableDictionary<ConfigResource, ImmutableSortedDictionary<string, string>> ByResource { get; private init; } =
        ImmutableDictionary<ConfigResource, ImmutableSortedDictionary<string, string>>.Empty;

    /// <summary>What is set for a resource, by name; empty for nothing.</summary>
    public ImmutableSortedDictionary<string, string> Of(ConfigResource resource) => ByResource.GetValueOrDefault(resource, Nothing);

    internal ConfigsImage With(ConfigResource resource, string name, string? value)
    {
        var before = Of(resource);
        var after = value is null ? before.Remove(name) : before.SetItem(name, value);
        if (after == before)
            return this;
        return new ConfigsImage { ByResource = after.IsEmpty ? ByResource.Remove(resource) : ByResource.SetItem(resource, after) };
    }

    internal ConfigsImage Without(ConfigResource resource) =>
        ByResource.ContainsKey(resource) ? new ConfigsImage { ByResource = ByResource.Remove(resource) } : this;
}
