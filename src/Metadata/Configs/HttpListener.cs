using System.Globalization;
using System.Net;

namespace Milena.Metadata.Configs;

/// <summary>Where something is served over HTTP: <c>http://127.0.0.1:9404</c>.</summary>
/// <param name="Address">An address of this machine; null (written <c>*</c>) for all of them.</param>
/// <param name="Port">0 for any that is free.</param>
public sealed record HttpListener(IPAddress? Address, int Port)
{
    /// <summary>What the text must look like, for whoever wrote another.</summary>
    public const string Form = "it must have the form http://{address}:{port}, with an IP address, localhost or * for all";

    /// <summary>Reads it; false if it is anything else.</summary>
    public static bool TryParse(string text, out HttpListener? listener)
    {
        listener = null;
        const string Scheme = "http://";
        var colon = text.LastIndexOf(':');
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || colon <= Scheme.Length
            || !ushort.TryParse(text.AsSpan(colon + 1).TrimEnd('/'), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return false;
        var host = text[Scheme.Length..colon];
        IPAddress? address = null;
        if (host == "localhost")
            address = IPAddress.Loopback;
        else if (host != "*" && (!IPAddress.TryParse(host, out address) || (host.Contains(':') && host[0] != '[')))
            return false;
        listener = new(address, port);
        return true;
    }
}
