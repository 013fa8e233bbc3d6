namespace Milena.Metadata.Configs;

/// <summary>How a listener protects its connections, numbered as in broker registrations.</summary>
public enum SecurityProtocol : short
{
    Plaintext = 0,
    Ssl = 1,
    SaslPlaintext = 2,
    SaslSsl = 3,
}

/// <summary>
/// A listener: its name (in capitals), and where it is bound or how it is reached. An empty host means every address when
/// it is bound, and "this host's own name" when it is advertised; port 0 means any free one.
/// </summary>
public sealed record Endpoint(string Name, string Host, int Port, SecurityProtocol Protocol)
{
    /// <summary>As in <c>listeners</c>.</summary>
    public override string ToString() => $"{Name}://{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";
}

/// <summary>The names of security protocols.</summary>
public static class SecurityProtocols
{
    /// <summary>The protocol of a name such as <c>SASL_SSL</c>, in any case.</summary>
    public static bool TryParse(string name, out SecurityProtocol protocol)
    {
        (protocol, var known) = name.ToUpperInvariant() switch
        {
            "PLAINTEXT" => (SecurityProtocol.Plaintext, true),
            "SSL" => (SecurityProtocol.Ssl, true),
            "SASL_PLAINTEXT" => (SecurityProtocol.SaslPlaintext, true),
            "SASL_SSL" => (SecurityProtocol.SaslSsl, true),
            _ => (default, false),
        };
        return known;
    }

    /// <summary>The protocol's name.</summary>
    public static string Name(this SecurityProtocol protocol) => protocol switch
    {
        SecurityProtocol.Plaintext => "PLAINTEXT",
        SecurityProtocol.Ssl => "SSL",
        SecurityProtocol.SaslPlaintext => "SASL_PLAINTEXT",
        _ => "SASL_SSL",
    };
}
