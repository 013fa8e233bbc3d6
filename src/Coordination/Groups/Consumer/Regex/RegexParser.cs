using System.Text;

namespace Milena.Coordination.Groups;

/// <summary>
/// Reads the syntax of RE2/J, which is what Kafka's brokers take: that of Perl without what cannot be matched in linear time
/// (back-references, looking ahead and behind). The meaning is RE2's too where other dialects differ: <c>\d</c> and <c>\w</c> are
/// ASCII, <c>\Q…\E</c> quotes, a count is at most 1,000, and counts within counts multiply up to that.
/// </summary>
/// <remarks>A fault ends the text: the parser then runs out of it everywhere, and says what the first fault was.</remarks>
internal sealed partial class RegexParser(string text)
{
    private const int RepeatMax = 1_000;
    private const int DepthMax = 200;

    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private int position;
    private int depth;
    private bool isFolding;

    /// <summary>What is wrong with the text, or null.</summary>
    public string? Fault { get; private set; }

    private bool HasMore => position < text.Length;

    /// <summary>The whole text as an expression; without meaning if there is a <see cref="Fault"/>.</summary>
    public RegexNode Parse()
    {
        var expression = Choice();
        if (HasMore)
            Fail("unexpected )");
        return expression;
    }

    private RegexNode Choice()
    {
        var options = new List<RegexNode>();
        do
            options.Add(Sequence());
        while (Accept("|"));
        return options.Count == 1 ? options[0] : new RegexChoice(options);
    }

    private RegexNode Sequence()
    {
        var parts = new List<RegexNode>();
        var isRepeated = false; // the last part is a repetition, and cannot be repeated as it stands
        while (HasMore && text[position] is not ('|' or ')'))
        {
            var start = position;
            if (Repetition() is { } counts)
            {
                if (parts.Count == 0)
                    Fail($"missing argument to repetition operator: {text[start..position]}");
                else if (isRepeated)
                    Fail($"invalid nested repetition operator: {text[start..position]}");
                else
                    parts[^1] = Repeated(parts[^1], counts.Min, counts.Max, start);
                isRepeated = true;
                continue;
            }

            var before = parts.Count;
            if (Accept(@"\Q"))
                Quote(parts);
            else if (Atom() is { } atom)
                parts.Add(atom);
            isRepeated &= parts.Count == before;
        }

        return parts.Count == 1 ? parts[0] : new RegexSequence(parts);
    }

    private void Quote(List<RegexNode> parts)
    {
        while (HasMore && !Accept(@"\E"))
            parts.Add(Literal(Take()));
    }

    private RegexNode Repeated(RegexNode body, int min, int? max, int start)
    {
        var repeated = new RegexRepeat(body, min, max);
        if (min > RepeatMax || max > RepeatMax || max < min || repeated.Repetitions > RepeatMax)
            Fail($"invalid repetition size: {text[start..position]}");
        return Fault is null ? repeated : RegexNode.Empty;
    }

    // Reads *, +, ?, {n}, {n,} or {n,m}, and the ? of a lazy one, which makes no difference to a whole match. A brace that begins
    // none of these is a character like others.
    private (int Min, int? Max)? Repetition()
    {
        (int, int?)? counts = null;
        if (Accept("*"))
            counts = (0, null);
        else if (Accept("+"))
            counts = (1, null);
        else if (Accept("?"))
            counts = (0, 1);
        else if (text[position] == '{')
            counts = Braces();
        if (counts is not null)
            Accept("?");
        return counts;
    }

    private (int Min, int? Max)? Braces()
    {
        var start = position++;
        if (Number() is { } min)
        {
            int? max = min;
            if (Accept(","))
                max = Number() is { } number ? number : HasMore && text[position] == '}' ? null : -1;
            if (max is not -1 && Accept("}"))
                return (min, max);
        }

        position = start;
        return null;
    }

    private int? Number()
    {
        var start = position;
        while (HasMore && char.IsAsciiDigit(text[position]))
            position++;
        var digits = text.AsSpan(start, position - start);
        if (digits.IsEmpty || digits is ['0', _, ..])
            return null;
        return digits.Length > 4 ? RepeatMax + 1 : int.Parse(digits);
    }

    // One element of a sequence; null for what only sets flags.
    private RegexNode? Atom()
    {
        switch (text[position])
        {
            case '(':
                return Group();
            case '[':
                return new RegexChars(Class());
            case '.':
                position++;
                return new RegexChars(~CharSet.Of('\n'));
            case '^':
                position++;
                return new RegexPlace(RegexOp.Begin);
            case '$':
                position++;
                return new RegexPlace(RegexOp.End);
            case '\\':
                return Escape();
            default:
                return Literal(Take());
        }
    }

    private RegexNode Literal(int rune) => new RegexChars(SetOf(rune, rune));

    private RegexNode? Group()
    {
        var start = position++;
        if (++depth > DepthMax)
            Fail($"more than {DepthMax} groups in each other");
        var before = isFolding;
        if (Accept("?") && !GroupKind(start))
        {
            depth--;
            return null; // flags for what follows in the group around
        }

        var body = Choice();
        if (!Accept(")"))
            Fail($"missing closing ): {text}");
        (isFolding, depth) = (before, depth - 1);
        return body;
    }

    // After "(?": whether a group begins; flags alone apply to what follows.
    private bool GroupKind(int start)
    {
        if (!Next("<=") && !Next("<!") && (Accept("P<") || Accept("<")))
        {
            var end = text.IndexOf('>', position);
            var name = end < 0 ? "" : text[position..end];
            if (name == "" || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                Fail($"invalid named capture: {text[start..Math.Max(end, position)]}");
            else if (!names.Add(name))
                Fail($"duplicate capture group name: {name}");
            else
                position = end + 1;
            return true;
        }

        // Lines (m), all characters (s) and laziness (U) make no difference to a whole match of a topic's name.
        var (isNegated, isEmpty) = (false, true);
        while (HasMore)
        {
            var flag = text[position++];
            switch (flag)
            {
                case 'i':
                    isFolding = !isNegated;
                    isEmpty = false;
                    break;
                case 'm' or 's' or 'U':
                    isEmpty = false;
                    break;
                case '-' when !isNegated:
                    (isNegated, isEmpty) = (true, true);
                    break;
                case ':' or ')' when !isNegated || !isEmpty:
                    return flag == ':';
                default:
                    Fail($"invalid or unsupported Perl syntax: {text[start..position]}");
                    break;
            }
        }

        Fail($"missing closing ): {text}");
        return true;
    }

    private CharSet SetOf(int low, int high)
    {
        var set = CharSet.Range(low, high);
        if (!isFolding)
            return set;
        // Two characters beyond ASCII have a lower or upper case within: the long s and the sign of the kelvin.
        set |= low <= 0x17F && high >= 0x17F ? CharSet.Of('s') : CharSet.None;
        set |= low <= 0x212A && high >= 0x212A ? CharSet.Of('k') : CharSet.None;
        return set.Folded();
    }

    private int Take()
    {
        Rune.DecodeFromUtf16(text.AsSpan(position), out var rune, out var length);
        position += length;
        return rune.Value;
    }

    private bool Next(string expected) => string.CompareOrdinal(text, position, expected, 0, expected.Length) == 0;

    private bool Accept(string expected)
    {
        if (!Next(expected))
            return false;
        position += expected.Length;
        return true;
    }

    private void Fail(string fault)
    {
        Fault ??= fault;
        position = text.Length;
    }
}
