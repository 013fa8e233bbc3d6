namespace Milena.Metadata.Configs;

/// <summary>A configuration as DescribeConfigs answers it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value in force; null if there is none, or if it must not be shown.</param>
/// <param name="Type">Its type; <see cref="ConfigType.Unknown"/> for a name that we do not know.</param>
/// <param name="Source">Where the value comes from.</param>
/// <param name="Synonyms">Every value it could have, the one that counts first.</param>
public sealed record ConfigDescription(
    string Name, string? Value, ConfigType Type, ConfigSource Source, IReadOnlyList<SourcedValue> Synonyms)
{
    /// <summary>Whether it can only be changed by a restart.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether the value is withheld: passwords, and what we do not know.</summary>
    public bool IsSensitive => Type is ConfigType.Password or ConfigType.Unknown;
}

/// <summary>Answers DescribeConfigs for each type of resource. Names come in alphabetical order.</summary>
public static class ConfigDescriptions
{
    // One of these on the right stands for the one on the left when it is set: more exact units first.
    private static readonly string[][] BrokerSynonyms =
    [
        ["log.roll.ms", "log.roll.hours"],
        ["log.roll.jitter.ms", "log.roll.jitter.hours"],
        ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    ];

    /// <summary>A topic's configurations.</summary>
    /// <param name="overrides">What is set for the topic.</param>
    /// <param name="layers">The configuration of the broker that answers.</param>
    /// <param name="names">Which to describe; null for all.</param>
    public static IEnumerable<ConfigDescription> OfTopic(
        IReadOnlyDictionary<string, string> overrides, ConfigLayers layers, IReadOnlyCollection<string>? names = null)
    {
        foreach (var def in Shown(ConfigScope.Topic, overrides, names))
        {
            var values = layers.Values([.. def.Synonyms.Select(synonym => synonym.Name)]);
            if (overrides.TryGetValue(def.Name, out var own))
                values = values.Prepend(new SourcedValue(def.Name, own, ConfigSource.Topic));
            yield return Describe(def, TopicConfig.InForce(def.Name, overrides, layers), values.ToArray());
        }
    }

    /// <summary>The configurations of the broker whose <paramref name="layers"/> these are.</summary>
    public static IEnumerable<ConfigDescription> OfBroker(ConfigLayers layers, IReadOnlyCollection<string>? names = null)
    {
        var shown = ConfigTable.All(ConfigScope.Broker).Values
            .Where(def => !def.IsInternal && def.IsCurrent).Select(def => def.Name)
            .Concat(layers.Static.Set.Select(pair => pair.Key)).Concat(layers.ForBroker.Keys).Concat(layers.ForAllBrokers.Keys)
            .Distinct().Order(StringComparer.Ordinal).Where(name => names is null || names.Contains(name));
        foreach (var name in shown)
            yield return OfBroker(name, layers, _ => true);
    }

    /// <summary>What is set dynamically for all brokers.</summary>
    public static IEnumerable<ConfigDescription> OfAllBrokers(ConfigLayers layers, IReadOnlyCollection<string>? names = null)
    {
        foreach (var name in layers.ForAllBrokers.Keys.Order(StringComparer.Ordinal).Where(name => names is null || names.Contains(name)))
            yield return OfBroker(name, layers, value => value.Source == ConfigSource.DynamicDefaultBroker);
    }

    /// <summary>A group's configurations; what is not set is that of the broker (KIP-848, KIP-932).</summary>
    public static IEnumerable<ConfigDescription> OfGroup(
        IReadOnlyDictionary<string, string> overrides, ConfigLayers layers, IReadOnlyCollection<string>? names = null)
    {
        foreach (var def in Shown(ConfigScope.Group, overrides, names))
        {
            SourcedValue[] values = overrides.TryGetValue(def.Name, out var own) ? [new(def.Name, own, ConfigSource.Group)] : [];
            var inForce = values.Length > 0 ? def.Parse(own).Value : GroupConfigs.Default(def, layers);
            yield return Describe(def, inForce, values);
        }
    }

    /// <summary>A client-metrics subscription's configurations (KIP-714).</summary>
    public static IEnumerable<ConfigDescription> OfClientMetrics(
        IReadOnlyDictionary<string, string> overrides, IReadOnlyCollection<string>? names = null)
    {
        foreach (var def in Shown(ConfigScope.ClientMetrics, overrides, names))
        {
            SourcedValue[] values = overrides.TryGetValue(def.Name, out var own) ? [new(def.Name, own, ConfigSource.ClientMetrics)] : [];
            yield return Describe(def, def.Parse(own ?? def.Default).Value, values);
        }
    }

    private static IEnumerable<ConfigDef> Shown(
        ConfigScope scope, IReadOnlyDictionary<string, string> overrides, IReadOnlyCollection<string>? names) =>
        ConfigTable.All(scope).Values
            .Where(def => def.IsCurrent && !def.IsInternal || overrides.ContainsKey(def.Name))
            .Where(def => names is null || names.Contains(def.Name))
            .OrderBy(def => def.Name, StringComparer.Ordinal);

    private static ConfigDescription Describe(ConfigDef def, object? value, SourcedValue[] values) => new(
        def.Name, def.Format(value), def.Type, values.Length > 0 ? values[0].Source : ConfigSource.Default, values);

    private static ConfigDescription OfBroker(string name, ConfigLayers layers, Func<SourcedValue, bool> counts)
    {
        var synonyms = Array.Find(BrokerSynonyms, set => set.Contains(name)) ?? [name];
        var values = layers.Values(synonyms).Where(counts).ToArray();
        var source = values.Length > 0 ? values[0].Source : ConfigSource.Default;
        if (DynamicBrokerConfigs.Find(name) is not { } def)
            return new ConfigDescription(name, null, ConfigType.Unknown, source, Hidden(values));
        return new ConfigDescription(name, def.Format(layers.Value(name)), def.Type, source, def.IsSensitive ? Hidden(values) : values)
        {
            IsReadOnly = def.Update == ConfigUpdate.ReadOnly,
        };
    }

    private static SourcedValue[] Hidden(SourcedValue[] values) => Array.ConvertAll(values, value => value with { Value = null });
}
