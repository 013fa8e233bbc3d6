namespace Milena.Coordination.Groups;

/// <summary>
/// A regular expression that a member subscribes with: RE2's syntax, matched against the whole name of a topic. Whatever it is,
/// it costs a bounded number of steps for each character of a name, and a bounded memory, none of which grows with how long it
/// lives. Not safe for several threads at once: it learns while it matches.
/// </summary>
/// <remarks>
/// The expression is a nondeterministic automaton, and what it does is remembered as a deterministic one, as in RE2. What is
/// remembered is forgotten when it becomes large, so an expression whose deterministic automaton is enormous stays small and slow.
/// </remarks>
internal sealed class TopicRegex
{
    /// <summary>The longest expression, in UTF-16 units. Ours; Kafka has no limit.</summary>
    public const int LengthMax = 8_192;

    /// <summary>The largest automaton: counts such as <c>{1000}</c> multiply what they are applied to. Ours.</summary>
    public const int SizeMax = 10_000;

    private readonly RegexMatcher matcher;

    private TopicRegex(string text, RegexProgram program)
    {
        Text = text;
        matcher = new RegexMatcher(program);
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Steps taken so far, for whoever bounds them.</summary>
    public long Steps => matcher.Steps;

    /// <summary>Reads an expression.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="fault">Why it is none that can be served (INVALID_REGULAR_EXPRESSION), or null.</param>
    /// <returns>The expression, or null.</returns>
    public static TopicRegex? Parse(string text, out string? fault)
    {
        if (text.Length > LengthMax)
        {
            fault = $"the expression has {text.Length} characters, and {LengthMax} are allowed";
            return null;
        }

        var parser = new RegexParser(text);
        var expression = parser.Parse();
        fault = parser.Fault;
        if (fault is null && expression.Size >= SizeMax)
            fault = $"the expression is too large: its repetitions make it {expression.Size} steps, and fewer than {SizeMax} are allowed";
        return fault is null ? new TopicRegex(text, new RegexProgram(expression)) : null;
    }

    /// <summary>Whether the whole name matches.</summary>
    public bool IsMatch(string topic) => matcher.IsMatch(topic);
}
