namespace Milena.Metadata.Configs;

/// <summary>What must hold between values of a node's configuration, each of which may be valid for itself.</summary>
internal static class BrokerConfigChecks
{
    public static IEnumerable<string> Violations(BrokerConfig config)
    {
        foreach (var name in (string[])["log.retention.ms", "log.retention.minutes", "log.retention.hours"])
        {
            if (config.Get(name).Value is IConvertible value && value.ToInt64(null) is 0 or < -1)
                yield return Invalid(config, name, "it must be at least 1, or -1 for no limit");
        }

        foreach (var name in (string[])["socket.send.buffer.bytes", "socket.receive.buffer.bytes"])
        {
            if (config.GetInt(name) is 0 or < -1)
                yield return Invalid(config, name, "it must be at least 1, or -1 for the system's default");
        }

        if (config.LogDirs.Count == 0 || config.LogDirs.Any(string.IsNullOrEmpty))
            yield return Invalid(config, "log.dirs", "at least one directory must be named");
        if (config.LogDirs.Distinct().Count() < config.LogDirs.Count)
            yield return Invalid(config, "log.dirs", "a directory stands there twice");
        if (!config.IsBroker && !config.IsController)
            yield return Invalid(config, "process.roles", "it must name broker, controller or both");
        if (config.GetLong("queued.max.request.bytes") is > 0 and var queued && queued < config.GetInt("socket.request.max.bytes"))
            yield return Invalid(config, "queued.max.request.bytes", "it must be no less than socket.request.max.bytes");
        if (config.GetLong("log.cleaner.dedupe.buffer.size") / Math.Max(config.GetInt("log.cleaner.threads"), 1) <= 1024 * 1024)
            yield return Invalid(config, "log.cleaner.dedupe.buffer.size", "it must be more than 1 MiB for each of log.cleaner.threads");

        if (config.GetList("group.consumer.assignors").Count == 0)
            yield return Invalid(config, "group.consumer.assignors", "at least one assignor must be named");

        if (config.GetString("metrics.listener") is { Length: > 0 } listener && !HttpListener.TryParse(listener, out _))
            yield return Invalid(config, "metrics.listener", HttpListener.Form);
        if (config.GetString("metrics.otlp.endpoint") is { Length: > 0 } endpoint
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
            yield return Invalid(config, "metrics.otlp.endpoint", "it must be the http or https address of a collector");

        foreach (var (low, high) in Pairs)
        {
            if (config.GetLong(low) > config.GetLong(high))
                yield return Invalid(config, low, $"it must be no more than {high}, which is {config.Get(high).Text}");
        }

        foreach (var violation in VoterViolations(config))
            yield return violation;
    }

    private static readonly (string Low, string High)[] Pairs =
    [
        ("group.min.session.timeout.ms", "group.max.session.timeout.ms"),
        ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
        ("broker.heartbeat.interval.ms", "broker.session.timeout.ms"),
        .. Bounded("group.consumer", "heartbeat.interval.ms"),
        .. Bounded("group.consumer", "session.timeout.ms"),
        .. Bounded("group.share", "heartbeat.interval.ms"),
        .. Bounded("group.share", "session.timeout.ms"),
        .. Bounded("group.share", "record.lock.duration.ms"),
        .. Bounded("group.streams", "heartbeat.interval.ms"),
        .. Bounded("group.streams", "session.timeout.ms"),
        ("group.consumer.heartbeat.interval.ms", "group.consumer.session.timeout.ms"),
        ("group.share.heartbeat.interval.ms", "group.share.session.timeout.ms"),
        ("group.streams.heartbeat.interval.ms", "group.streams.session.timeout.ms"),
        ("group.streams.num.standby.replicas", "group.streams.max.standby.replicas"),
    ];

    // prefix.min.name <= prefix.name <= prefix.max.name
    private static (string Low, string High)[] Bounded(string prefix, string name) =>
        [($"{prefix}.min.{name}", $"{prefix}.{name}"), ($"{prefix}.{name}", $"{prefix}.max.{name}")];

    private static IEnumerable<string> VoterViolations(BrokerConfig config)
    {
        var voters = config.GetList("controller.quorum.voters");
        var ids = voters.Select(voter => int.Parse(voter.AsSpan(0, voter.IndexOf('@')))).ToArray();
        if (ids.Distinct().Count() < ids.Length)
            yield return Invalid(config, "controller.quorum.voters", "an id stands there twice");
        if (ids.Length > 0 && config.IsController != ids.Contains(config.NodeId))
        {
            var rule = config.IsController
                ? $"a controller must be in it, and node.id is {config.NodeId}"
                : $"node.id {config.NodeId} is in it, so process.roles must have controller";
            yield return Invalid(config, "controller.quorum.voters", rule);
        }
    }

    private static string Invalid(BrokerConfig config, string name, string rule) =>
        $"Invalid value {config.Get(name).Text} for configuration {name}: {rule}";
}
