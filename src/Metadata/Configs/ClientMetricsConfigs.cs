using System.Text.RegularExpressions;

namespace Milena.Metadata.Configs;

/// <summary>The configurations of client-metrics subscriptions (KIP-714).</summary>
public static class ClientMetricsConfigs
{
    private const int IntervalMsMin = 100;
    private const int IntervalMsMax = 3_600_000;

    private static readonly string[] Selectors =
    [
        "client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address",
        "client_source_port",
    ];

    /// <summary>Why these values cannot be set, or null if they can.</summary>
    public static string? Violation(IReadOnlyDictionary<string, string> overrides)
    {
        foreach (var (name, text) in overrides)
        {
            if (ConfigTable.Find(ConfigScope.ClientMetrics, name) is not { } def)
                return $"Unknown client metrics configuration: {name}";
            var outcome = def.Parse(text);
            if (outcome.Error is { } error)
                return error;
            if (name == "interval.ms" && outcome.Value is < IntervalMsMin or > IntervalMsMax)
                return $"Invalid value {text} for configuration interval.ms: it must be between {IntervalMsMin} and {IntervalMsMax}";
            if (name == "match" && Array.Find((string[])outcome.Value!, pattern => !IsSelector(pattern)) is { } wrong)
                return $"Invalid value {text} for configuration match: {wrong} is not selector=pattern with a known selector";
        }

        return null;
    }

    private static bool IsSelector(string text)
    {
        var equals = text.IndexOf('=');
        return equals > 0 && Selectors.Contains(text[..equals].Trim()) && IsPattern(text[(equals + 1)..].Trim());
    }

    private static bool IsPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking);
            return pattern.Length > 0;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false; // the constructor is the only way to ask whether a pattern is one
        }
    }
}
