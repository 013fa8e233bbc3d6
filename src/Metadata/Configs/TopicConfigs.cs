namespace Milena.Metadata.Configs;

/// <summary>What may be set for a topic.</summary>
public static class TopicConfigs
{
    /// <summary>Why these values cannot be set together, or null if they can; <paramref name="layers"/> give the rest.</summary>
    public static string? Violation(IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        foreach (var (name, text) in overrides)
        {
            if (ConfigTable.Find(ConfigScope.Topic, name) is not { IsCurrent: true } def)
                return $"Unknown topic config name: {name}";
            if (def.Parse(text).Error is { } error)
                return error;
        }

        var (minLag, maxLag) = ((long)InForce("min.compaction.lag.ms"), (long)InForce("max.compaction.lag.ms"));
        if (minLag > maxLag)
            return $"min.compaction.lag.ms ({minLag}) must be no more than max.compaction.lag.ms ({maxLag})";
        if ((bool)InForce("remote.storage.enable") && !layers.Static.GetBool("remote.log.storage.system.enable"))
            return "remote.storage.enable needs a broker with remote.log.storage.system.enable=true";
        return null;

        object InForce(string name) => TopicConfig.InForce(name, overrides, layers)!;
    }
}
