namespace Milena.Metadata.Configs;

/// <summary>Text forms that several configurations share.</summary>
public static class ConfigText
{
    /// <summary>The elements of a list: separated by commas, spaces around them do not count; empty text is an empty list.</summary>
    public static string[] SplitList(string? text) =>
        string.IsNullOrWhiteSpace(text) ? [] : text.Split(',', StringSplitOptions.TrimEntries);

    /// <summary>
    /// Reads <c>host:port</c>, with the host in brackets if it is an IPv6 address. The host may be empty; the port is
    /// between 0 and 65535.
    /// </summary>
    public static bool TryParseHostPort(string text, out string host, out int port)
    {
        (host, port) = ("", 0);
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), out var number))
            return false;
        host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        port = number;
        return host.All(IsHostCharacter);
    }

    private static bool IsHostCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '%' or '.' or '_' or ':';
}
