using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Milena.Broker.Dispatch;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;

namespace Milena.Broker.Telemetry;

/// <summary>What is known of a client that a subscription may select it by.</summary>
internal sealed record TelemetryClient(string InstanceId, string ClientId, string SoftwareName, string SoftwareVersion, string Address, string Port)
{
    public static TelemetryClient Of(RequestContext context, Common.Uuid instance)
    {
        var state = ConnectionState.Of(context.Connection);
        var remote = context.Connection.RemoteEndPoint as IPEndPoint;
        return new TelemetryClient(
            instance.ToString(),
            context.ClientId ?? "",
            state.ClientSoftwareName,
            state.ClientSoftwareVersion,
            remote?.Address.ToString() ?? "",
            remote?.Port.ToString(CultureInfo.InvariantCulture) ?? "");
    }

    public string Value(string selector) => selector switch
    {
        "client_instance_id" => InstanceId,
        "client_id" => ClientId,
        "client_software_name" => SoftwareName,
        "client_software_version" => SoftwareVersion,
        "client_source_address" => Address,
        _ => Port,
    };
}

/// <summary>What one client is asked for: metrics whose names begin so, and how often.</summary>
/// <param name="Metrics">Prefixes in order, or <c>*</c> alone for everything.</param>
/// <param name="PushIntervalMs">The shortest interval of all that select the client.</param>
internal sealed record TelemetrySubscription(string[] Metrics, int PushIntervalMs)
{
    private const string Everything = "*";

    /// <summary>Whether it asks for a metric.</summary>
    public bool Asks(string name) => Array.Exists(Metrics, prefix => prefix == Everything || name.StartsWith(prefix, StringComparison.Ordinal));

    public bool Equals(TelemetrySubscription? other) =>
        other is not null && PushIntervalMs == other.PushIntervalMs && Metrics.AsSpan().SequenceEqual(other.Metrics);

    public override int GetHashCode() => HashCode.Combine(PushIntervalMs, Metrics.Length);

    /// <summary>Everything asked for takes the place of its parts.</summary>
    public static TelemetrySubscription Of(IEnumerable<string> metrics, int pushIntervalMs)
    {
        string[] prefixes = [.. metrics.Distinct().Order(StringComparer.Ordinal)];
        return new TelemetrySubscription(prefixes.Contains(Everything) ? [Everything] : prefixes, pushIntervalMs);
    }
}

/// <summary>The subscriptions of client metrics (KIP-714) that are set, from the configurations of an image. Never changes.</summary>
internal sealed class TelemetrySubscriptions
{
    private readonly Rule[] rules;

    public TelemetrySubscriptions(ConfigsImage configs) => rules =
    [
        .. configs.ByResource
            .Where(pair => pair.Key.Type == ConfigResourceType.ClientMetrics)
            .Select(pair => new Rule(List(pair.Value, "metrics"), (int)Value(pair.Value, "interval.ms")!, Selectors(List(pair.Value, "match")))),
    ];

    /// <summary>What all subscriptions together ask of a client.</summary>
    public TelemetrySubscription Of(TelemetryClient client)
    {
        var matching = Array.FindAll(rules, rule => Array.TrueForAll(rule.Selectors, selector => selector.Pattern.IsMatch(client.Value(selector.Name))));
        return TelemetrySubscription.Of(
            matching.SelectMany(rule => rule.Metrics),
            matching.Length > 0 ? matching.Min(rule => rule.IntervalMs) : (int)Value(Nothing, "interval.ms")!);
    }

    private static IReadOnlyDictionary<string, string> Nothing { get; } = new Dictionary<string, string>();

    private static string[] List(IReadOnlyDictionary<string, string> values, string name) => (string[]?)Value(values, name) ?? [];

    private static object? Value(IReadOnlyDictionary<string, string> values, string name)
    {
        var def = ConfigTable.Find(ConfigScope.ClientMetrics, name)!;
        return def.Parse(values.GetValueOrDefault(name) ?? def.Default).Value;
    }

    // What is set was checked when it was set. Without backtracking, no pattern takes long.
    private static (string Name, Regex Pattern)[] Selectors(string[] match) => Array.ConvertAll(match, text =>
    {
        var equals = text.IndexOf('=');
        var pattern = new Regex($@"\A(?:{text[(equals + 1)..].Trim()})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        return (text[..equals].Trim(), pattern);
    });

    private sealed record Rule(string[] Metrics, int IntervalMs, (string Name, Regex Pattern)[] Selectors);
}
