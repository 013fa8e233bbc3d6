using System.Globalization;

namespace Milena.Coordination.Groups;

/// <summary>
/// A set of characters, as far as topic names can hold them: ASCII. What lies beyond is in no set, so that it matches nothing.
/// </summary>
internal readonly record struct CharSet(UInt128 Bits)
{
    /// <summary>Characters of this and above are never in a topic's name.</summary>
    public const int Limit = 128;

    public static CharSet None => default;

    public static CharSet All { get; } = new(UInt128.MaxValue);

    public static CharSet Digits { get; } = Range('0', '9');

    public static CharSet Word { get; } = Range('0', '9') | Range('a', 'z') | Range('A', 'Z') | Of('_');

    /// <summary>What <c>\s</c> means in RE2: without the vertical tab.</summary>
    public static CharSet Space { get; } = Of('\t') | Of('\n') | Of('\f') | Of('\r') | Of(' ');

    public static CharSet Of(int rune) => rune < Limit ? new(UInt128.One << rune) : None;

    public static CharSet Range(int low, int high)
    {
        var set = None;
        for (var c = low; c <= Math.Min(high, Limit - 1); c++)
            set |= Of(c);
        return set;
    }

    /// <summary>The characters for which the test holds.</summary>
    public static CharSet Where(Func<char, bool> test)
    {
        var set = None;
        for (var c = 0; c < Limit; c++)
            set |= test((char)c) ? Of(c) : None;
        return set;
    }

    /// <summary>The characters of a Unicode category by its short name (<c>L</c>, <c>Lu</c>), or null if there is none.</summary>
    public static CharSet? Category(string name)
    {
        const string Names = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So";
        var names = Names.Split(' '); // in the order of UnicodeCategory
        if (name == "Any")
            return All;
        return name.Length is 1 or 2 && names.Any(known => known.StartsWith(name, StringComparison.Ordinal))
            ? Where(c => names[(int)CharUnicodeInfo.GetUnicodeCategory(c)].StartsWith(name, StringComparison.Ordinal))
            : null;
    }

    /// <summary>The characters of a POSIX class by its name, such as <c>alpha</c>, or null if there is none.</summary>
    public static CharSet? Posix(string name) => name switch
    {
        "alnum" => Where(char.IsAsciiLetterOrDigit),
        "alpha" => Where(char.IsAsciiLetter),
        "ascii" => All,
        "blank" => Of('\t') | Of(' '),
        "cntrl" => Where(char.IsControl),
        "digit" => Digits,
        "graph" => Range('!', '~'),
        "lower" => Range('a', 'z'),
        "print" => Range(' ', '~'),
        "punct" => Where(c => c is > ' ' and <= '~' && !char.IsAsciiLetterOrDigit(c)),
        "space" => Space | Of('\v'),
        "upper" => Range('A', 'Z'),
        "word" => Word,
        "xdigit" => Where(char.IsAsciiHexDigit),
        _ => null,
    };

    public bool Contains(int c) => (Bits >> c & 1) != 0;

    /// <summary>With the other case of every letter.</summary>
    public CharSet Folded()
    {
        var (set, result) = (this, this);
        for (var c = 'a'; c <= 'z'; c++)
        {
            var both = Of(c) | Of(char.ToUpperInvariant(c));
            if ((set & both).Bits != 0)
                result |= both;
        }

        return result;
    }

    public static CharSet operator |(CharSet left, CharSet right) => new(left.Bits | right.Bits);

    public static CharSet operator &(CharSet left, CharSet right) => new(left.Bits & right.Bits);

    public static CharSet operator ~(CharSet set) => new(~set.Bits);
}
