using System.Text;

namespace Milena.Metadata.Configs;

/// <summary>
/// Every configuration there is, read once from <c>configs.tsv</c> (which lies in the assembly) when it is first asked for;
/// that takes well under a millisecond in the published executable.
/// </summary>
public static class ConfigTable
{
    private const int ScopeCount = 9;
    private const string CurrentRelease = "4.2";

    private static readonly Dictionary<string, ConfigDef>[] ByScope = Read();

    /// <summary>All configurations of a scope, by name.</summary>
    public static IReadOnlyDictionary<string, ConfigDef> All(ConfigScope scope) => ByScope[(int)scope];

    /// <summary>The configuration of that name, or null.</summary>
    public static ConfigDef? Find(ConfigScope scope, string name) => ByScope[(int)scope].GetValueOrDefault(name);

    /// <summary>
    /// The broker's configuration that stands behind a name in <c>server.properties</c>: the name itself, or what remains
    /// without a prefix that narrows it to a listener (<c>listener.name.internal.ssl.keystore.location</c>), to a SASL
    /// mechanism of one, or to the manager of remote log metadata (<c>rlmm.config.</c>). Null for a name that is not known.
    /// </summary>
    public static ConfigDef? FindBroker(string name)
    {
        const string ListenerPrefix = "listener.name.";
        const string RemoteLogMetadataPrefix = "rlmm.config.";
        if (Find(ConfigScope.Broker, name) is { } def)
            return def;
        if (name.StartsWith(RemoteLogMetadataPrefix, StringComparison.Ordinal))
            return Find(ConfigScope.RemoteLogMetadata, name[RemoteLogMetadataPrefix.Length..]);
        if (!name.StartsWith(ListenerPrefix, StringComparison.Ordinal))
            return null;
        // The listener is one word, a mechanism is another.
        var rest = name.AsSpan(ListenerPrefix.Length);
        for (var words = 0; words < 2 && rest.IndexOf('.') is var dot and > 0; words++)
        {
            rest = rest[(dot + 1)..];
            if (Find(ConfigScope.Broker, rest.ToString()) is { } narrowed)
                return narrowed;
        }

        return null;
    }

    private static Dictionary<string, ConfigDef>[] Read()
    {
        var rows = new Dictionary<string, ConfigDef>[ScopeCount];
        for (var scope = 0; scope < ScopeCount; scope++)
            rows[scope] = new Dictionary<string, ConfigDef>(StringComparer.Ordinal);
        var rules = new Dictionary<string, ConfigRule>(StringComparer.Ordinal);

        using var stream = typeof(ConfigTable).Assembly.GetManifestResourceStream("configs.tsv")!;
        using var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 65536);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            var def = ReadRow(line.Split('\t'), rules);
            rows[(int)def.Scope].Add(def.Name, def);
        }

        return rows;
    }

    private static ConfigDef ReadRow(string[] cells, Dictionary<string, ConfigRule> rules)
    {
        var rule = cells[4];
        if (!rules.TryGetValue(rule, out var parsedRule))
            rules[rule] = parsedRule = ConfigRule.Read(rule);
        return new ConfigDef(ReadScope(cells[0]), cells[1], ReadType(cells[2]))
        {
            Default = cells[3] == "-" ? null : cells[3],
            Rule = parsedRule,
            Importance = cells[5] switch { "low" => ConfigImportance.Low, "medium" => ConfigImportance.Medium, _ => ConfigImportance.High },
            Update = cells[6] switch
            {
                "read-only" => ConfigUpdate.ReadOnly,
                "per-broker" => ConfigUpdate.PerBroker,
                "cluster-wide" => ConfigUpdate.ClusterWide,
                _ => ConfigUpdate.Dynamic,
            },
            Synonyms = cells[7] == "" ? [] : Array.ConvertAll(cells[7].Split(','), ReadSynonym),
            IsInternal = cells[8] != "",
            IsCurrent = IsUpTo(cells[9]) && (cells[10] == "" || !IsUpTo(cells[10])),
        };
    }

    // Releases compare as text as long as their parts have one digit.
    private static bool IsUpTo(string release) => string.CompareOrdinal(release, CurrentRelease) <= 0;

    private static ConfigSynonym ReadSynonym(string text)
    {
        var star = text.IndexOf('*');
        return star < 0 ? new ConfigSynonym(text, 1) : new ConfigSynonym(text[..star], long.Parse(text.AsSpan(star + 1)));
    }

    private static ConfigScope ReadScope(string text) => text switch
    {
        "broker" => ConfigScope.Broker,
        "broker-quota" => ConfigScope.BrokerQuota,
        "topic" => ConfigScope.Topic,
        "group" => ConfigScope.Group,
        "client-metrics" => ConfigScope.ClientMetrics,
        "quota" => ConfigScope.Quota,
        "ip-quota" => ConfigScope.IpQuota,
        "scram" => ConfigScope.Scram,
        "rlmm" => ConfigScope.RemoteLogMetadata,
        _ => throw new FormatException($"unknown scope {text}"),
    };

    private static ConfigType ReadType(string text) => text switch
    {
        "boolean" => ConfigType.Boolean,
        "string" => ConfigType.String,
        "int" => ConfigType.Int,
        "short" => ConfigType.Short,
        "long" => ConfigType.Long,
        "double" => ConfigType.Double,
        "list" => ConfigType.List,
        "class" => ConfigType.Class,
        "password" => ConfigType.Password,
        _ => throw new FormatException($"unknown type {text}"),
    };
}
