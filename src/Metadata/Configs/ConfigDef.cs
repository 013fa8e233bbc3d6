using System.Globalization;

namespace Milena.Metadata.Configs;

/// <summary>What a configuration is about: where its value may be set.</summary>
public enum ConfigScope
{
    /// <summary>A node, in <c>server.properties</c>; some of them dynamically too.</summary>
    Broker,

    /// <summary>A node's replication quotas, which can only be set dynamically.</summary>
    BrokerQuota,

    /// <summary>A topic.</summary>
    Topic,

    /// <summary>A group (consumer, share, streams).</summary>
    Group,

    /// <summary>A subscription for client metrics.</summary>
    ClientMetrics,

    /// <summary>A quota of users and client ids.</summary>
    Quota,

    /// <summary>A quota of an IP address.</summary>
    IpQuota,

    /// <summary>A user's SCRAM credential.</summary>
    Scram,

    /// <summary>The topic-based manager of remote log metadata; names carry its prefix.</summary>
    RemoteLogMetadata,
}

/// <summary>The type of a value, numbered as DescribeConfigs numbers it.</summary>
public enum ConfigType : sbyte
{
    /// <summary>Not a configuration that we know.</summary>
    Unknown = 0,
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// <summary>When a broker's configuration can change.</summary>
public enum ConfigUpdate
{
    /// <summary>Only by a restart.</summary>
    ReadOnly,

    /// <summary>At any time, for one broker.</summary>
    PerBroker,

    /// <summary>At any time, for one broker or for all.</summary>
    ClusterWide,

    /// <summary>At any time (topics, groups, client metrics and quotas).</summary>
    Dynamic,
}

/// <summary>How much a configuration matters to most users.</summary>
public enum ConfigImportance
{
    Low,
    Medium,
    High,
}

/// <summary>A broker's configuration that gives a topic's default, and the factor between their units.</summary>
public readonly record struct ConfigSynonym(string Name, long Factor);

/// <summary>
/// One configuration: its type, default and bounds. Values are text wherever they are stored; <see cref="Parse"/> makes
/// them <c>bool</c>, <c>int</c>, <c>short</c>, <c>long</c>, <c>double</c>, <c>string</c> or <c>string[]</c>.
/// </summary>
public sealed record ConfigDef(ConfigScope Scope, string Name, ConfigType Type)
{
    /// <summary>The default as text, or null if there is none.</summary>
    public string? Default { get; init; }

    /// <summary>What a value must fulfil beyond its type.</summary>
    public ConfigRule Rule { get; init; } = ConfigRule.Any;

    /// <summary>See <see cref="ConfigImportance"/>.</summary>
    public ConfigImportance Importance { get; init; } = ConfigImportance.Medium;

    /// <summary>See <see cref="ConfigUpdate"/>.</summary>
    public ConfigUpdate Update { get; init; } = ConfigUpdate.Dynamic;

    /// <summary>For topics: the broker's configurations that give the default; the first that is set counts.</summary>
    public IReadOnlyList<ConfigSynonym> Synonyms { get; init; } = [];

    /// <summary>Not shown to users.</summary>
    public bool IsInternal { get; init; }

    /// <summary>
    /// Whether Apache Kafka 4.2 has it. Names of later (or earlier) releases are accepted in <c>server.properties</c>, so
    /// that any file is, but are no dynamic configurations and are not described.
    /// </summary>
    public bool IsCurrent { get; init; } = true;

    /// <summary>Never shown: a password.</summary>
    public bool IsSensitive => Type == ConfigType.Password;

    /// <summary>Reads a value; an error names the configuration, the value and the rule it breaks.</summary>
    public ConfigOutcome Parse(string? text)
    {
        if (text is null)
            return new ConfigOutcome(null, null);
        var value = ParseType(text.Trim(), out var expected);
        if (value is null)
            return Invalid(text, expected);
        return Rule.Violation(value) is { } violation ? Invalid(text, violation) : new ConfigOutcome(value, null);
    }

    /// <summary>The canonical text of a parsed value, as DescribeConfigs shows it; null for null and for passwords.</summary>
    public string? Format(object? value) => IsSensitive ? null : value switch
    {
        null => null,
        bool truth => truth ? "true" : "false",
        string[] parts => string.Join(',', parts),
        double number => FormatDouble(number),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private ConfigOutcome Invalid(string text, string rule) =>
        new(null, $"Invalid value {(IsSensitive ? "[hidden]" : text)} for configuration {Name}: {rule}");

    private object? ParseType(string text, out string expected)
    {
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        var culture = CultureInfo.InvariantCulture;
        switch (Type)
        {
            case ConfigType.Boolean:
                expected = "Expected value to be either true or false";
                return bool.TryParse(text, out var truth) ? truth : null;
            case ConfigType.Int:
                expected = "Not a number of type INT";
                return int.TryParse(text, Whole, culture, out var int32) ? int32 : null;
            case ConfigType.Short:
                expected = "Not a number of type SHORT";
                return short.TryParse(text, Whole, culture, out var int16) ? int16 : null;
            case ConfigType.Long:
                expected = "Not a number of type LONG";
                return long.TryParse(text, Whole, culture, out var int64) ? int64 : null;
            case ConfigType.Double:
                expected = "Not a number of type DOUBLE";
                return double.TryParse(text, NumberStyles.Float, culture, out var float64) ? float64 : null;
            case ConfigType.List:
                expected = "";
                return ConfigText.SplitList(text);
            default:
                expected = "";
                return text;
        }
    }

    // As Java writes doubles, because that is what tools compare: 5 is "5.0", and large ones carry an exponent.
    private static string FormatDouble(double number)
    {
        var size = Math.Abs(number);
        if (number == 0 || size is >= 1e-3 and < 1e7)
        {
            var text = number.ToString("0.################", CultureInfo.InvariantCulture);
            return text.Contains('.') ? text : text + ".0";
        }

        var scientific = number.ToString("E16", CultureInfo.InvariantCulture);
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        var exponent = int.Parse(scientific[(scientific.IndexOf('E') + 1)..], CultureInfo.InvariantCulture);
        var digits = string.Concat(shortest.TrimStart('-').TakeWhile(c => c != 'E').Where(char.IsAsciiDigit)).Trim('0');
        return $"{(number < 0 ? "-" : "")}{digits[0]}.{(digits.Length > 1 ? digits[1..] : "0")}E{exponent}";
    }
}

/// <summary>What reading a value gave: the typed value (null for null), or an error text.</summary>
public readonly record struct ConfigOutcome(object? Value, string? Error);
