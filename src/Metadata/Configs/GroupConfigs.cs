namespace Milena.Metadata.Configs;

/// <summary>
/// The configurations of groups (KIP-848, KIP-932, KIP-1071). What is not set for a group is what the broker says under the
/// same name with <c>group.</c> before it, and the broker bounds what may be set.
/// </summary>
public static class GroupConfigs
{
    private static readonly string[] Bounded =
    [
        "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms",
        "share.heartbeat.interval.ms", "share.session.timeout.ms", "share.record.lock.duration.ms",
        "streams.heartbeat.interval.ms", "streams.session.timeout.ms",
    ];

    private static readonly string[] Protocols = ["consumer", "share", "streams"];

    /// <summary>What is in force for a group if nothing is set for it.</summary>
    public static object? Default(ConfigDef def, ConfigLayers layers)
    {
        var ofBroker = "group." + def.Name;
        return ConfigTable.Find(ConfigScope.Broker, ofBroker) is null ? def.Parse(def.Default).Value : layers.Value(ofBroker);
    }

    /// <summary>What is in force for a group for which <paramref name="overrides"/> are set.</summary>
    public static object? InForce(string name, IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        var def = ConfigTable.Find(ConfigScope.Group, name)!;
        var isSet = overrides.TryGetValue(name, out var text);
        return isSet && def.Parse(text) is { Error: null } outcome ? outcome.Value : Default(def, layers);
    }

    /// <summary>
    /// What is set for a group and is bounded by the broker, within its bounds of today; null if nothing is set.
    /// </summary>
    public static int? SetWithinBounds(string name, IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        if (!overrides.ContainsKey(name))
            return null;
        var bounds = Bounds(name, layers);
        return Math.Clamp((int)InForce(name, overrides, layers)!, bounds.Min, bounds.Max);
    }

    /// <summary>Why these values cannot be set together, or null if they can.</summary>
    public static string? Violation(IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        foreach (var (name, text) in overrides)
        {
            if (ConfigTable.Find(ConfigScope.Group, name) is not { IsCurrent: true } def)
                return $"Unknown group config name: {name}";
            if (def.Parse(text).Error is { } error)
                return error;
        }

        foreach (var name in Bounded)
        {
            var (value, bounds) = ((int)InForce(name, overrides, layers)!, Bounds(name, layers));
            if (overrides.ContainsKey(name) && (value < bounds.Min || value > bounds.Max))
                return $"Invalid value {value} for configuration {name}: the broker allows {bounds.Min} to {bounds.Max}";
        }

        foreach (var protocol in Protocols)
        {
            var heartbeat = (int)InForce($"{protocol}.heartbeat.interval.ms", overrides, layers)!;
            var session = (int)InForce($"{protocol}.session.timeout.ms", overrides, layers)!;
            if (heartbeat >= session)
                return $"{protocol}.session.timeout.ms ({session}) must be greater than {protocol}.heartbeat.interval.ms ({heartbeat})";
        }

        var standby = (int)InForce("streams.num.standby.replicas", overrides, layers)!;
        var standbyMax = (int)layers.Value("group.streams.max.standby.replicas")!;
        return standby <= standbyMax
            ? null
            : $"Invalid value {standby} for configuration streams.num.standby.replicas: the broker allows up to {standbyMax}";
    }

    private static (int Min, int Max) Bounds(string name, ConfigLayers layers)
    {
        var dot = name.IndexOf('.');
        var (protocol, rest) = (name[..dot], name[(dot + 1)..]);
        return ((int)layers.Value($"group.{protocol}.min.{rest}")!, (int)layers.Value($"group.{protocol}.max.{rest}")!);
    }
}
