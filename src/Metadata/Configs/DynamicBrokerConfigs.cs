namespace Milena.Metadata.Configs;

/// <summary>What may be set for a broker, or for all of them, while they run (KIP-226).</summary>
public static class DynamicBrokerConfigs
{
    private const string ListenerPrefix = "listener.name.";

    // With these a listener's connections stand or fall, so they are changed for one listener at a time.
    private static readonly string[] PerListenerPrefixes = ["ssl.", "sasl.", "principal.builder.class"];

    /// <summary>
    /// Why these values cannot be set, or null if they can. Names that nobody knows may be set: plug-ins read them.
    /// </summary>
    /// <param name="values">The whole set that shall be in force.</param>
    /// <param name="isForOneBroker">False if it is for all brokers.</param>
    public static string? Violation(IReadOnlyDictionary<string, string> values, bool isForOneBroker)
    {
        var known = values.Keys.Select(name => (Name: name, Def: Find(name))).Where(entry => entry.Def is not null).ToArray();
        if (Join(known.Where(entry => entry.Def!.Update == ConfigUpdate.ReadOnly)) is { } readOnly)
            return $"Cannot update these configs dynamically: {readOnly}";
        if (Join(known.Where(entry => IsPerListener(entry.Def!) && !HasListener(entry.Name))) is { } bare)
            return $"These security configs can be updated only for a listener, with the prefix listener.name.<listener>.: {bare}";
        if (!isForOneBroker && Join(known.Where(entry => entry.Def!.Update == ConfigUpdate.PerBroker || HasListener(entry.Name))) is { } perBroker)
            return $"Cannot update these configs for all brokers, a broker id must be named: {perBroker}";
        return known.Select(entry => (entry.Def! with { Name = entry.Name }).Parse(values[entry.Name]).Error).FirstOrDefault(error => error is not null);
    }

    /// <summary>The definition behind a dynamic name, or null.</summary>
    public static ConfigDef? Find(string name) => ConfigTable.FindBroker(name) ?? ConfigTable.Find(ConfigScope.BrokerQuota, name);

    private static bool IsPerListener(ConfigDef def) =>
        def.Update == ConfigUpdate.PerBroker && PerListenerPrefixes.Any(prefix => def.Name.StartsWith(prefix, StringComparison.Ordinal));

    private static bool HasListener(string name) => name.StartsWith(ListenerPrefix, StringComparison.Ordinal);

    private static string? Join(IEnumerable<(string Name, ConfigDef? Def)> entries)
    {
        var names = string.Join(",", entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        return names == "" ? null : names;
    }
}
