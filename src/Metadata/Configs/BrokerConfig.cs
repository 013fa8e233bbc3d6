using Milena.Common;

namespace Milena.Metadata.Configs;

/// <summary>Where a node's static configuration got a value; the later of these counts.</summary>
public enum ConfigOrigin
{
    Default,
    File,
    Environment,
    Override,
}

/// <summary>A value of a node's static configuration.</summary>
/// <param name="Def">What is known about the configuration.</param>
/// <param name="Text">As it was written; null if there is neither a value nor a default.</param>
/// <param name="Value">Parsed; see <see cref="ConfigDef"/>.</param>
/// <param name="Origin">Who said so.</param>
public sealed record ConfigEntry(ConfigDef Def, string? Text, object? Value, ConfigOrigin Origin);

/// <summary>
/// A node's static configuration: what <c>server.properties</c>, the environment and the command line say, over the
/// defaults. It never changes while the node runs; what changes is in the metadata log and lies over it
/// (<see cref="ConfigLayers"/>). Made by <see cref="BrokerConfigReader"/>.
/// </summary>
public sealed class BrokerConfig
{
    private readonly Dictionary<string, ConfigEntry> entries;

    internal BrokerConfig(Dictionary<string, ConfigEntry> entries, ListenerConfig listeners)
    {
        this.entries = entries;
        Listeners = listeners;
    }

    /// <summary>The configuration of a node that was told nothing.</summary>
    public static BrokerConfig Default { get; } = BrokerConfigReader.Read(new ConfigInput()).Config!;

    /// <summary>What was set (everything that is not a default), by its full name.</summary>
    public IEnumerable<KeyValuePair<string, ConfigEntry>> Set => entries;

    /// <summary>The listeners, checked.</summary>
    public ListenerConfig Listeners { get; }

    /// <summary><c>node.id</c>.</summary>
    public int NodeId => GetInt("node.id");

    /// <summary>Whether the node is a broker.</summary>
    public bool IsBroker => GetList("process.roles").Contains("broker");

    /// <summary>Whether the node is a controller.</summary>
    public bool IsController => GetList("process.roles").Contains("controller");

    /// <summary><c>log.dirs</c>, or else <c>log.dir</c>.</summary>
    public IReadOnlyList<string> LogDirs => Get("log.dirs").Value is string[] { Length: > 0 } dirs ? dirs : GetList("log.dir");

    /// <summary><c>metadata.log.dir</c>, or else the first of <see cref="LogDirs"/>.</summary>
    public string MetadataLogDir => GetStringOrNull("metadata.log.dir") ?? LogDirs[0];

    /// <summary>The entry of a name, which is that of the default where nothing was set.</summary>
    public ConfigEntry Get(string name) => Find(name) ?? throw new InvariantViolation($"{name} is no configuration of a broker");

    /// <summary>As <see cref="Get"/>; null for a name that is not known and was not set.</summary>
    public ConfigEntry? Find(string name)
    {
        if (entries.TryGetValue(name, out var entry))
            return entry;
        return ConfigTable.FindBroker(name) is { } def ? DefaultOf(def) : null;
    }

    /// <summary>The value of a configuration of type INT or SHORT.</summary>
    public int GetInt(string name) => Get(name).Value switch { int value => value, short value => value, _ => throw Wrong(name) };

    /// <summary>The value of a configuration of type LONG, INT or SHORT.</summary>
    public long GetLong(string name) => Get(name).Value is long value ? value : GetInt(name);

    /// <summary>The value of a configuration of type DOUBLE.</summary>
    public double GetDouble(string name) => Get(name).Value is double value ? value : throw Wrong(name);

    /// <summary>The value of a configuration of type BOOLEAN.</summary>
    public bool GetBool(string name) => Get(name).Value is bool value ? value : throw Wrong(name);

    /// <summary>The value of a configuration of type STRING, CLASS or PASSWORD.</summary>
    public string GetString(string name) => GetStringOrNull(name) ?? throw Wrong(name);

    /// <summary>As <see cref="GetString"/>, or null where there is none.</summary>
    public string? GetStringOrNull(string name) => Get(name).Value switch { string value => value, null => null, _ => throw Wrong(name) };

    /// <summary>
    /// The value of a configuration of type LIST, or of one that Kafka calls a STRING and splits at its commas all the same
    /// (<c>log.dir</c>, <c>listener.security.protocol.map</c>); empty where there is none.
    /// </summary>
    public IReadOnlyList<string> GetList(string name) => Get(name).Value switch
    {
        string[] list => list,
        string text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        null => [],
        _ => throw Wrong(name),
    };

    internal static ConfigEntry DefaultOf(ConfigDef def) =>
        new(def, def.Default, def.Parse(def.Default).Value, ConfigOrigin.Default);

    private static InvariantViolation Wrong(string name) => new($"{name} has no value, or one of another type");
}
