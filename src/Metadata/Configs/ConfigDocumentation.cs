namespace Milena.Metadata.Configs;

/// <summary>What DescribeConfigs says of a configuration to whoever asks for documentation: what the table knows, in sentences.</summary>
public static class ConfigDocumentation
{
    /// <summary>The text for a configuration.</summary>
    public static string Of(ConfigDef def)
    {
        var type = def.Type.ToString().ToLowerInvariant();
        var initial = def.Default switch
        {
            null => "no default",
            "" => "empty by default",
            var text => $"{text} by default",
        };
        var rule = def.Rule.ToString() is { Length: > 0 } text2 ? $"; valid are {text2}" : "";
        return $"A value of type {type}, {initial}{rule}.{Change(def)}{Effect(def)}";
    }

    private static string Change(ConfigDef def) => def.Update switch
    {
        _ when def.Scope is not ConfigScope.Broker => "",
        ConfigUpdate.ReadOnly => " It changes by a restart only.",
        _ when !ConfigSupport.IsActedOnAtOnce(def.Name) => " It changes by a restart only, as yet.",
        ConfigUpdate.PerBroker => " It can be changed at any time, for one broker.",
        _ => " It can be changed at any time, for one broker or for all.",
    };

    private static string Effect(ConfigDef def)
    {
        var isActedOn = def.Scope switch
        {
            ConfigScope.Broker => ConfigSupport.IsActedOn(def.Name),
            ConfigScope.Topic => ConfigSupport.IsActedOnForTopics(def.Name),
            _ => false,
        };
        return isActedOn ? "" : " It has no effect yet.";
    }
}
