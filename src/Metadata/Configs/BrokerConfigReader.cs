namespace Milena.Metadata.Configs;

/// <summary>What a node was told, by whom.</summary>
public sealed record ConfigInput
{
    /// <summary>Names and values of <c>server.properties</c> (<see cref="PropertiesText"/>).</summary>
    public IReadOnlyCollection<KeyValuePair<string, string>> File { get; init; } = [];

    /// <summary>All environment variables; those that stand for configurations count (<see cref="EnvironmentNames"/>).</summary>
    public IReadOnlyCollection<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary><c>--override name=value</c>.</summary>
    public IReadOnlyCollection<KeyValuePair<string, string>> Overrides { get; init; } = [];
}

/// <summary>
/// What reading gave: the configuration if there are no errors, each of which is one line that names the configuration;
/// names that nobody knows; and names that are known, were set and are not acted on yet.
/// </summary>
public sealed record ConfigReading(
    BrokerConfig? Config,
    IReadOnlyList<string> Errors,
    IReadOnlyList<string> UnknownNames,
    IReadOnlyList<string> UnusedNames);

/// <summary>Makes a <see cref="BrokerConfig"/> of texts, and checks each value and what must hold between them.</summary>
public static class BrokerConfigReader
{
    /// <summary>Reads everything and reports every error there is, not only the first.</summary>
    public static ConfigReading Read(ConfigInput input)
    {
        var entries = new Dictionary<string, ConfigEntry>(StringComparer.Ordinal);
        var errors = new List<string>();
        var unknown = new List<string>();

        Take(input.File, ConfigOrigin.File);
        Take(FromEnvironment(input.Environment), ConfigOrigin.Environment);
        Take(input.Overrides, ConfigOrigin.Override);
        TakeNodeId(entries, errors);

        var unused = entries.Keys.Where(name => !ConfigSupport.IsActedOn(name)).Order(StringComparer.Ordinal).ToList();
        if (errors.Count > 0)
            return new ConfigReading(null, errors, unknown, unused);

        var unchecked_ = new BrokerConfig(entries, ListenerConfig.None);
        var config = new BrokerConfig(entries, ListenerConfig.Read(unchecked_, errors));
        errors.AddRange(BrokerConfigChecks.Violations(config));
        return new ConfigReading(errors.Count == 0 ? config : null, errors, unknown, unused);

        void Take(IEnumerable<KeyValuePair<string, string>> properties, ConfigOrigin origin)
        {
            foreach (var (name, text) in properties)
            {
                if (ConfigTable.FindBroker(name) is not { } def)
                {
                    if (!unknown.Contains(name))
                        unknown.Add(name);
                    continue;
                }

                var outcome = (def with { Name = name }).Parse(text);
                if (outcome.Error is { } error)
                    errors.Add(error);
                entries[name] = new ConfigEntry(def, text, outcome.Value, origin);
            }
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> FromEnvironment(IEnumerable<KeyValuePair<string, string>> variables)
    {
        foreach (var (variable, value) in variables)
        {
            if (EnvironmentNames.ToConfigName(variable) is { } name)
                yield return new(name, value);
        }
    }

    // node.id is the name since KRaft, broker.id the one before; either may be given, and both if they agree.
    private static void TakeNodeId(Dictionary<string, ConfigEntry> entries, List<string> errors)
    {
        if (!entries.TryGetValue("broker.id", out var brokerId) || brokerId.Value is not int id)
            return;
        var def = ConfigTable.Find(ConfigScope.Broker, "node.id")!;
        if (!entries.TryGetValue("node.id", out var nodeId))
            entries["node.id"] = brokerId with { Def = def };
        else if (!Equals(nodeId.Value, id))
            errors.Add($"Invalid value {brokerId.Text} for configuration broker.id: it must equal node.id, which is {nodeId.Text}");
    }
}
