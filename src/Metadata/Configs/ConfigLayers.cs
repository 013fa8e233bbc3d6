using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Metadata.Configs;

/// <summary>Where a value that is in force comes from, numbered as DescribeConfigs numbers it.</summary>
public enum ConfigSource : sbyte
{
    Unknown = 0,
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    DynamicBrokerLogger = 6,
    ClientMetrics = 7,
    Group = 8,
}

/// <summary>One of the values that a configuration could have, by the name under which it was set.</summary>
public readonly record struct SourcedValue(string Name, string? Value, ConfigSource Source);

/// <summary>
/// A broker's whole configuration at one moment: what was set dynamically for it, what was set dynamically for all brokers,
/// and its static configuration; the first that has a value counts.
/// </summary>
public sealed record ConfigLayers(BrokerConfig Static)
{
    /// <summary>Set dynamically for this broker.</summary>
    public IReadOnlyDictionary<string, string> ForBroker { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Set dynamically for all brokers (the resource with an empty name).</summary>
    public IReadOnlyDictionary<string, string> ForAllBrokers { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// The value of the broker's configuration that is in force, parsed; null if it has none. A dynamic value that does not
    /// parse was written by somebody who did not check it, and does not count.
    /// </summary>
    public object? Value(string name)
    {
        // What is set only while a broker runs is in no file.
        var entry = Static.Find(name) ?? BrokerConfig.DefaultOf(DynamicBrokerConfigs.Find(name) ?? throw new InvariantViolation($"{name} is no configuration of a broker"));
        foreach (var layer in (IReadOnlyDictionary<string, string>[])[ForBroker, ForAllBrokers])
        {
            if (layer.TryGetValue(name, out var text) && entry.Def.Parse(text) is { Error: null } outcome)
                return outcome.Value;
        }

        return entry.Value;
    }

    /// <summary>All values that the configurations of these names have, the one that counts first.</summary>
    public IEnumerable<SourcedValue> Values(IReadOnlyCollection<string> names)
    {
        foreach (var name in names)
        {
            if (ForBroker.TryGetValue(name, out var text))
                yield return new SourcedValue(name, text, ConfigSource.DynamicBroker);
        }

        foreach (var name in names)
        {
            if (ForAllBrokers.TryGetValue(name, out var text))
                yield return new SourcedValue(name, text, ConfigSource.DynamicDefaultBroker);
        }

        foreach (var name in names)
        {
            if (Static.Find(name) is { Origin: not ConfigOrigin.Default } entry)
                yield return new SourcedValue(name, entry.Text, ConfigSource.StaticBroker);
        }

        foreach (var name in names)
        {
            if (DynamicBrokerConfigs.Find(name) is { Default: { } text })
                yield return new SourcedValue(name, text, ConfigSource.Default);
        }
    }
}
