using System.Text;

namespace Milena.Metadata.Configs;

/// <summary>
/// Java's properties format, in which <c>server.properties</c> and <c>meta.properties</c> are written: comments start with
/// <c>#</c> or <c>!</c>; the name ends at the first <c>=</c>, <c>:</c> or white space that no backslash precedes; a
/// backslash at the end continues a line; <c>\t \n \r \f \uXXXX</c> are characters, before anything else a backslash
/// is dropped. Every text is valid; where a name stands twice the later one counts.
/// </summary>
public static class PropertiesText
{
    /// <summary>The names and values in the order of the text, repeated ones included.</summary>
    public static List<KeyValuePair<string, string>> Read(string text)
    {
        var properties = new List<KeyValuePair<string, string>>();
        var at = 0;
        while (NextLine(text, ref at) is { } line)
        {
            var nameEnd = FindNameEnd(line);
            var valueStart = nameEnd;
            while (valueStart < line.Length && IsSpace(line[valueStart]))
                valueStart++;
            if (valueStart < line.Length && line[valueStart] is '=' or ':')
                valueStart++;
            while (valueStart < line.Length && IsSpace(line[valueStart]))
                valueStart++;
            properties.Add(new(Unescape(line.AsSpan(0, nameEnd)), Unescape(line.AsSpan(valueStart))));
        }

        return properties;
    }

    /// <summary>One line of the format, escaped so that <see cref="Read"/> gives the same name and value back.</summary>
    public static string Line(string name, string value) => Escape(name, isName: true) + "=" + Escape(value, isName: false);

    // The next logical line: without leading space, comments and empty lines skipped, continuations joined.
    private static string? NextLine(string text, ref int at)
    {
        while (at < text.Length)
        {
            var line = NaturalLine(text, ref at);
            if (line.IsEmpty || line[0] is '#' or '!')
                continue;
            if (!IsContinued(line))
                return line.ToString();
            var joined = new StringBuilder();
            while (IsContinued(line))
            {
                joined.Append(line[..^1]);
                line = at < text.Length ? NaturalLine(text, ref at) : default;
            }

            return joined.Append(line).ToString();
        }

        return null;
    }

    private static ReadOnlySpan<char> NaturalLine(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && text[at] is not ('\n' or '\r'))
            at++;
        var line = text.AsSpan(start, at - start).TrimStart(" \t\f");
        if (at + 1 < text.Length && text[at] == '\r' && text[at + 1] == '\n')
            at++;
        at++;
        return line;
    }

    private static bool IsContinued(ReadOnlySpan<char> line)
    {
        var backslashes = line.Length - line.TrimEnd('\\').Length;
        return backslashes % 2 == 1;
    }

    private static int FindNameEnd(string line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
                i++;
            else if (line[i] is '=' or ':' || IsSpace(line[i]))
                return i;
        }

        return line.Length;
    }

    private static string Unescape(ReadOnlySpan<char> text)
    {
        if (!text.Contains('\\'))
            return text.ToString();
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || ++i == text.Length)
            {
                if (i < text.Length)
                    plain.Append(text[i]);
                continue;
            }

            if (text[i] == 'u' && i + 4 < text.Length
                && ushort.TryParse(text.Slice(i + 1, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var unit))
            {
                plain.Append((char)unit);
                i += 4;
                continue;
            }

            plain.Append(text[i] switch { 't' => '\t', 'n' => '\n', 'r' => '\r', 'f' => '\f', var other => other });
        }

        return plain.ToString();
    }

    private static string Escape(string text, bool isName)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            var isSpace = c == ' ' && (isName || escaped.Length == 0);
            escaped.Append(c switch
            {
                '\t' => "\\t",
                '\n' => "\\n",
                '\r' => "\\r",
                '\f' => "\\f",
                '\\' or '=' or ':' or '#' or '!' => $"\\{c}",
                _ when isSpace => "\\ ",
                _ => c.ToString(),
            });
        }

        return escaped.ToString();
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\f';
}
