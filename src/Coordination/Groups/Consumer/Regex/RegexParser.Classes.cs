namespace Milena.Coordination.Groups;

/// <summary>What begins with a backslash or a bracket.</summary>
internal sealed partial class RegexParser
{
    // Of all scripts, ASCII has letters of one, and the rest is common to all. The others are known and match no topic.
    private static readonly HashSet<string> OtherScripts = new(
        ("Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi "
         + "Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Coptic Cuneiform Cypriot Cyrillic "
         + "Deseret Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi "
         + "Han Hangul Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese "
         + "Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian "
         + "Mahajani Malayalam Mandaic Manichaean Marchen Masaram_Gondi Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs "
         + "Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko Nushu Ogham Ol_Chiki Old_Hungarian Old_Italic "
         + "Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau "
         + "Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala "
         + "Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana "
         + "Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi Zanabazar_Square").Split(' '),
        StringComparer.Ordinal);

    private RegexNode Escape()
    {
        RegexOp? place = position + 1 >= text.Length ? null : text[position + 1] switch
        {
            'A' => RegexOp.Begin,
            'z' => RegexOp.End,
            'b' => RegexOp.WordEdge,
            'B' => RegexOp.NoWordEdge,
            _ => null,
        };
        if (place is { } op)
        {
            position += 2;
            return new RegexPlace(op);
        }

        return EscapedSet() is { } set ? new RegexChars(set) : Literal(EscapedRune());
    }

    // \d, \pL, \p{Greek} and their like; null, and nothing read, if it is another escape.
    private CharSet? EscapedSet()
    {
        if (position + 1 >= text.Length)
            return null;
        var kind = text[position + 1];
        CharSet? known = char.ToLowerInvariant(kind) switch
        {
            'd' => CharSet.Digits,
            's' => CharSet.Space,
            'w' => CharSet.Word,
            'p' => CharSet.None,
            _ => null,
        };
        if (known is not { } set)
            return null;
        position += 2;
        if (kind is 'p' or 'P')
            set = UnicodeClass();
        return char.IsUpper(kind) ? ~set : set;
    }

    private CharSet UnicodeClass()
    {
        var start = position;
        var name = "";
        if (!HasMore || Next("{") && text.IndexOf('}', position) < 0)
            Fail($"invalid character class range: {text[start..]}");
        else if (Accept("{"))
        {
            var end = text.IndexOf('}', position);
            name = text[position..end];
            position = end + 1;
        }
        else
            name = text[position++].ToString();

        var isNegated = name.StartsWith('^');
        name = isNegated ? name[1..] : name;
        var letters = CharSet.Range('a', 'z').Folded();
        var set = name switch
        {
            "Latin" => letters,
            "Common" => ~letters,
            _ when OtherScripts.Contains(name) => CharSet.None,
            _ => CharSet.Category(name),
        };
        if (set is null)
            Fail($"invalid character class range: {text[start..position]}");
        var found = set ?? CharSet.None;
        found = isFolding ? found.Folded() : found;
        return isNegated ? ~found : found;
    }

    private int EscapedRune()
    {
        var start = position++;
        if (!HasMore)
        {
            Fail("trailing backslash at end of expression");
            return 0;
        }

        var rune = Take();
        switch (rune)
        {
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case 'x':
                if (Hexadecimal() is { } value)
                    return value;
                break;
            case '0':
            case >= '1' and <= '7' when HasMore && text[position] is >= '0' and <= '7': // one digit alone would be a back-reference
                var octal = rune - '0';
                for (var digit = 1; digit < 3 && HasMore && text[position] is >= '0' and <= '7'; digit++)
                    octal = octal * 8 + (text[position++] - '0');
                return octal;
            case < CharSet.Limit when !char.IsAsciiLetterOrDigit((char)rune):
                return rune;
        }

        Fail($"invalid escape sequence: {text[start..Math.Min(position, text.Length)]}");
        return 0;
    }

    private int? Hexadecimal()
    {
        var isBraced = Accept("{");
        var end = isBraced ? text.IndexOf('}', position) : position + 2;
        if (end <= position || end > text.Length || end - position > 8)
            return null;
        var value = 0L;
        for (; position < end; position++)
        {
            if (!char.IsAsciiHexDigit(text[position]))
                return null;
            value = value * 16 + Convert.ToInt32(text[position].ToString(), 16);
        }

        position += isBraced ? 1 : 0;
        return value <= 0x10FFFF ? (int)value : null;
    }

    private CharSet Class()
    {
        var start = position++;
        var isNegated = Accept("^");
        var set = CharSet.None;
        for (var isFirst = true; isFirst || !Accept("]"); isFirst = false)
        {
            if (!HasMore)
            {
                Fail($"missing closing ]: {text[start..]}");
                break;
            }

            set |= ClassElement();
        }

        return isNegated ? ~set : set;
    }

    private CharSet ClassElement()
    {
        var start = position;
        var end = Next("[:") ? text.IndexOf(":]", position + 2, StringComparison.Ordinal) : -1;
        if (end >= 0)
        {
            var name = text[(position + 2)..end];
            position = end + 2;
            var isNegated = name.StartsWith('^');
            if (CharSet.Posix(isNegated ? name[1..] : name) is not { } posix)
            {
                Fail($"invalid character class range: {text[start..position]}");
                return CharSet.None;
            }

            posix = isFolding ? posix.Folded() : posix;
            return isNegated ? ~posix : posix;
        }

        if (Next(@"\") && EscapedSet() is { } escaped)
            return escaped;
        var low = ClassRune();
        var high = low;
        if (Next("-") && position + 1 < text.Length && text[position + 1] != ']')
        {
            position++;
            high = ClassRune();
            if (high < low)
                Fail($"invalid character class range: {text[start..position]}");
        }

        return SetOf(low, high);
    }

    private int ClassRune() => Next(@"\") ? EscapedRune() : Take();
}
