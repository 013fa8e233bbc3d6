namespace Milena.Metadata.Configs;

/// <summary>
/// The listeners of a node: which are bound, which are told to clients, and which of them brokers and controllers use among
/// themselves (KIP-103, KIP-500). Listener names are compared in capitals.
/// </summary>
public sealed record ListenerConfig
{
    internal static readonly ListenerConfig None = new();

    /// <summary>Every listener that is bound, in the order of <c>listeners</c>.</summary>
    public IReadOnlyList<Endpoint> Bound { get; private init; } = [];

    /// <summary>
    /// What clients are told, <c>advertised.listeners</c> or else <c>listeners</c>, without those of controllers. A host that
    /// is empty, or names every address, is to be replaced by this host's name; port 0 by the port that was bound.
    /// </summary>
    public IReadOnlyList<Endpoint> Advertised { get; private init; } = [];

    /// <summary><c>controller.listener.names</c>.</summary>
    public IReadOnlyList<string> ControllerNames { get; private init; } = [];

    /// <summary>The listener over which brokers speak to each other.</summary>
    public string InterBrokerName { get; private init; } = "";

    /// <summary>The bound listeners that serve clients and brokers.</summary>
    public IEnumerable<Endpoint> BoundForBrokers => Bound.Where(endpoint => !ControllerNames.Contains(endpoint.Name));

    /// <summary>The bound listeners that serve controllers.</summary>
    public IEnumerable<Endpoint> BoundForControllers => Bound.Where(endpoint => ControllerNames.Contains(endpoint.Name));

    internal static ListenerConfig Read(BrokerConfig config, List<string> errors)
    {
        var controllers = config.GetList("controller.listener.names").Select(Normal).ToArray();
        var protocols = ReadProtocols(config, controllers, errors);
        var bound = ReadEndpoints(config, "listeners", protocols, errors);
        CheckPorts(bound, errors);

        var isAdvertisedSet = config.Get("advertised.listeners").Origin != ConfigOrigin.Default;
        var advertised = isAdvertisedSet ? ReadEndpoints(config, "advertised.listeners", protocols, errors) : bound;
        foreach (var endpoint in advertised.Where(endpoint => bound.All(other => other.Name != endpoint.Name)))
            errors.Add(Invalid(config, "advertised.listeners", $"{endpoint.Name} is not among listeners"));
        if (isAdvertisedSet && advertised.Any(endpoint => IsWildcard(endpoint.Host)))
            errors.Add(Invalid(config, "advertised.listeners", "0.0.0.0 and [::] lead clients nowhere; name a host"));

        var listeners = new ListenerConfig
        {
            Bound = bound,
            ControllerNames = controllers,
            Advertised = [.. advertised
                .Where(endpoint => !controllers.Contains(endpoint.Name))
                .Select(endpoint => IsWildcard(endpoint.Host) ? endpoint with { Host = "" } : endpoint)],
            InterBrokerName = ReadInterBrokerName(config, advertised.Select(endpoint => endpoint.Name).Except(controllers), errors),
        };
        if (config.IsBroker && errors.Count == 0)
            CheckBroker(config, listeners, errors);
        return listeners;
    }

    private static void CheckBroker(BrokerConfig config, ListenerConfig listeners, List<string> errors)
    {
        if (listeners.Advertised.Count == 0)
            errors.Add(Invalid(config, "listeners", "a broker needs one that is not in controller.listener.names"));
        else if (listeners.Advertised.All(endpoint => endpoint.Name != listeners.InterBrokerName))
            errors.Add(NotAdvertised(config, listeners));
    }

    private static string NotAdvertised(BrokerConfig config, ListenerConfig listeners)
    {
        const string Name = "inter.broker.listener.name";
        const string Protocol = "security.inter.broker.protocol";
        var advertised = string.Join(", ", listeners.Advertised.Select(endpoint => endpoint.Name));
        return Invalid(
            config,
            config.GetStringOrNull(Name) is null ? Protocol : Name,
            $"{listeners.InterBrokerName} is not among the advertised listeners; {Name} must name one of {advertised}");
    }

    private static Dictionary<string, SecurityProtocol> ReadProtocols(BrokerConfig config, string[] controllers, List<string> errors)
    {
        const string Name = "listener.security.protocol.map";
        var protocols = new Dictionary<string, SecurityProtocol>();
        foreach (var pair in ConfigText.SplitList(config.GetString(Name)))
        {
            var colon = pair.IndexOf(':');
            if (colon <= 0 || !SecurityProtocols.TryParse(pair[(colon + 1)..], out var protocol))
                errors.Add(Invalid(config, Name, $"{pair} is not LISTENER:PROTOCOL, with PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"));
            else if (!protocols.TryAdd(Normal(pair[..colon]), protocol))
                errors.Add(Invalid(config, Name, $"{pair[..colon]} stands there twice"));
        }

        // Where nothing is said and nothing is protected, controllers need no protection either.
        var isProtected = config.GetList("listeners").Concat(controllers).Select(Normal)
            .Any(name => name.StartsWith("SSL", StringComparison.Ordinal) || name.StartsWith("SASL_", StringComparison.Ordinal));
        if (config.Get(Name).Origin == ConfigOrigin.Default && !isProtected)
        {
            foreach (var controller in controllers)
                protocols.TryAdd(controller, SecurityProtocol.Plaintext);
        }

        return protocols;
    }

    private static Endpoint[] ReadEndpoints(
        BrokerConfig config, string name, Dictionary<string, SecurityProtocol> protocols, List<string> errors)
    {
        var endpoints = new List<Endpoint>();
        foreach (var text in config.GetList(name))
        {
            var separator = text.IndexOf("://", StringComparison.Ordinal);
            if (separator <= 0 || !ConfigText.TryParseHostPort(text[(separator + 3)..], out var host, out var port))
                errors.Add(Invalid(config, name, $"{text} is not NAME://host:port"));
            else if (!protocols.TryGetValue(Normal(text[..separator]), out var protocol))
                errors.Add(Invalid(config, name, $"listener.security.protocol.map has no protocol for {Normal(text[..separator])}"));
            else if (endpoints.Any(other => other.Name == Normal(text[..separator])))
                errors.Add(Invalid(config, name, $"{Normal(text[..separator])} stands there twice"));
            else
                endpoints.Add(new Endpoint(Normal(text[..separator]), host, port, protocol));
        }

        if (endpoints.Count == 0 && errors.Count == 0)
            errors.Add(Invalid(config, name, "there must be at least one"));
        return [.. endpoints];
    }

    // Two listeners may share a port only if one is bound to an IPv4 address and the other to an IPv6 address.
    private static void CheckPorts(Endpoint[] bound, List<string> errors)
    {
        foreach (var group in bound.Where(endpoint => endpoint.Port != 0).GroupBy(endpoint => endpoint.Port))
        {
            var endpoints = group.ToArray();
            var isPair = endpoints.Length == 2 && endpoints[0].Host.Contains(':') != endpoints[1].Host.Contains(':')
                && endpoints.All(endpoint => endpoint.Host != "");
            var areApart = endpoints.All(endpoint => endpoint.Host != "") && endpoints.DistinctBy(endpoint => endpoint.Host).Count() == endpoints.Length
                && !endpoints.Any(endpoint => IsWildcard(endpoint.Host));
            if (endpoints.Length > 1 && !isPair && !areApart)
                errors.Add($"Invalid value {string.Join(',', (object[])endpoints)} for configuration listeners: each needs a port of its own");
        }
    }

    // Where nothing is said and there is one listener only, brokers speak over that.
    private static string ReadInterBrokerName(BrokerConfig config, IEnumerable<string> advertised, List<string> errors)
    {
        var name = config.GetStringOrNull("inter.broker.listener.name");
        var isProtocolSet = config.Get("security.inter.broker.protocol").Origin != ConfigOrigin.Default;
        if (name is not null && isProtocolSet)
            errors.Add(Invalid(config, "inter.broker.listener.name", "it cannot be set together with security.inter.broker.protocol"));
        if (name is null && !isProtocolSet && advertised.ToArray() is [var only])
            return only;
        return Normal(name ?? config.GetString("security.inter.broker.protocol"));
    }

    private static string Invalid(BrokerConfig config, string name, string rule) =>
        $"Invalid value {config.Get(name).Text} for configuration {name}: {rule}";

    private static bool IsWildcard(string host) => host is "0.0.0.0" or "::" or "::0" or "0:0:0:0:0:0:0:0";

    private static string Normal(string name) => name.ToUpperInvariant();
}
