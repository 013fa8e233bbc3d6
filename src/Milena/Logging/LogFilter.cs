using Microsoft.Extensions.Logging;

namespace Milena.Logging;

/// <summary>
/// The least level that is logged: for all categories, and for those whose name starts with one of some prefixes (the
/// longest that fits counts). Written as <c>warning,Milena.Network=debug</c>. What is set while the process runs counts for a category and
/// those below it.
/// </summary>
internal sealed class LogFilter
{
    private readonly List<(string Prefix, LogLevel Level)> rules = [("", LogLevel.Information)];
    private readonly Dictionary<string, LogLevel> changed = new(StringComparer.Ordinal);

    /// <summary>Reads the text; what is no level is left out, since a log must never keep a server from starting.</summary>
    public static LogFilter Parse(string? text)
    {
        var filter = new LogFilter();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var at = part.IndexOf('=');
            var prefix = at < 0 ? "" : part[..at];
            if (Enum.TryParse<LogLevel>(part[(at + 1)..], ignoreCase: true, out var level))
                filter.rules.Add((prefix, level));
        }
        return filter;
    }

    /// <summary>Sets the level of a category, or of all if it is empty; null takes that away.</summary>
    public void Set(string category, LogLevel? level)
    {
        lock (changed)
        {
            if (level is { } value)
                changed[category] = value;
            else
                changed.Remove(category);
        }
    }

    /// <summary>The least level logged of this category.</summary>
    public LogLevel LeastLevel(string category)
    {
        lock (changed)
        {
            return rules.Where(rule => category.StartsWith(rule.Prefix, StringComparison.Ordinal))
                .Concat(changed.Where(rule => Holds(rule.Key, category)).Select(rule => (Prefix: rule.Key, Level: rule.Value)))
                .Aggregate((best, rule) => rule.Prefix.Length >= best.Prefix.Length ? rule : best).Level;
        }
    }

    private static bool Holds(string set, string category) =>
        set == "" || category == set || (category.StartsWith(set, StringComparison.Ordinal) && category[set.Length] == '.');
}
