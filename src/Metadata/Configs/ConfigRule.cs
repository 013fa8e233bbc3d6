using System.Globalization;

namespace Milena.Metadata.Configs;

/// <summary>
/// What a value must fulfil beyond its type. Written in <c>configs.tsv</c> in a small notation: <c>>=1</c>, <c>0..10</c>,
/// <c>1..9|-1</c>, <c>{a,b}</c>, <c>any-case {a,b}</c>, or the name of one of the rules below.
/// </summary>
public abstract record ConfigRule
{
    private ConfigRule()
    {
    }

    /// <summary>Everything of the right type is valid.</summary>
    public static ConfigRule Any { get; } = new Anything();

    /// <summary>What <paramref name="value"/> violates, or null if it is valid.</summary>
    public abstract string? Violation(object value);

    /// <summary>The rule as DescribeConfigs-like tools show it; empty for <see cref="Any"/>.</summary>
    public abstract override string ToString();

    /// <summary>Reads the notation of the table. Throws <see cref="FormatException"/> on anything else.</summary>
    internal static ConfigRule Read(ReadOnlySpan<char> text)
    {
        const string AnyCase = "any-case ";
        if (text.IsEmpty)
            return Any;
        if (text.StartsWith(">="))
            return new Range(Number(text[2..]), double.PositiveInfinity, OrMinusOne: false);
        if (text.StartsWith(AnyCase))
            return new OneOf(ReadChoices(text[AnyCase.Length..]), StringComparison.OrdinalIgnoreCase);
        if (text[0] == '{')
            return new OneOf(ReadChoices(text), StringComparison.Ordinal);
        var dots = text.IndexOf("..");
        if (dots < 0)
            return ReadName(text);
        var bar = text.IndexOf('|');
        return new Range(Number(text[..dots]), Number(text[(dots + 2)..(bar < 0 ? text.Length : bar)]), OrMinusOne: bar > 0);
    }

    private static ConfigRule ReadName(ReadOnlySpan<char> name) => name switch
    {
        "non-empty" => new NonEmpty(),
        "throttled-replicas" => new Each("[partitionId]:[brokerId] or *", text => text == "*" || IsPair(text)),
        "host-ports" => new Each("host:port", text => ConfigText.TryParseHostPort(text, out var host, out _) && host != ""),
        "voters" => new Each("{id}@{host}:{port}", IsVoter),
        "offset-reset" => new OffsetReset(),
        _ => throw new FormatException($"unknown rule {name}"),
    };

    private static double Number(ReadOnlySpan<char> text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static string[] ReadChoices(ReadOnlySpan<char> text) => text[1..^1].ToString().Split(',');

    private static bool IsPair(string text)
    {
        var colon = text.IndexOf(':');
        return colon > 0 && IsId(text.AsSpan(0, colon)) && IsId(text.AsSpan(colon + 1));
    }

    private static bool IsVoter(string text)
    {
        var at = text.IndexOf('@');
        return at > 0 && IsId(text.AsSpan(0, at)) && ConfigText.TryParseHostPort(text[(at + 1)..], out var host, out _) && host != "";
    }

    private static bool IsId(ReadOnlySpan<char> text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private sealed record Anything : ConfigRule
    {
        public override string? Violation(object value) => null;

        public override string ToString() => "";
    }

    private sealed record Range(double Min, double Max, bool OrMinusOne) : ConfigRule
    {
        public override string? Violation(object value)
        {
            var number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
            if (OrMinusOne && number == -1)
                return null;
            if (!(number >= Min))
                return $"Value must be at least {Text(Min)}";
            return number <= Max ? null : $"Value must be no more than {Text(Max)}";
        }

        public override string ToString() =>
            $"[{Text(Min)},...{(double.IsInfinity(Max) ? "" : "," + Text(Max))}]{(OrMinusOne ? " or -1" : "")}";

        private static string Text(double bound) => bound.ToString(CultureInfo.InvariantCulture);
    }

    private sealed record OneOf(string[] Choices, StringComparison Comparison) : ConfigRule
    {
        public override string? Violation(object value) => value switch
        {
            string[] parts when parts.Distinct().Count() < parts.Length => "A value stands in the list more than once",
            string[] parts => parts.All(Has) ? null : $"Every value of the list must be one of: {string.Join(", ", Choices)}",
            _ => Has((string)value) ? null : $"Value must be one of: {string.Join(", ", Choices)}",
        };

        public override string ToString() =>
            (Comparison == StringComparison.Ordinal ? "" : "(case insensitive) ") + $"[{string.Join(", ", Choices)}]";

        private bool Has(string text) => Choices.Any(choice => string.Equals(choice, text, Comparison));
    }

    private sealed record NonEmpty : ConfigRule
    {
        public override string? Violation(object value) => ((string)value).Length > 0 ? null : "Value must not be empty";

        public override string ToString() => "non-empty string";
    }

    private sealed record Each(string Form, Func<string, bool> IsValid) : ConfigRule
    {
        public override string? Violation(object value) =>
            ((string[])value).All(IsValid) ? null : $"Every value of the list must have the form {Form}";

        public override string ToString() => $"list of {Form}";
    }

    // share.auto.offset.reset (KIP-932): a duration of ISO 8601 that is not negative, without years and months.
    private sealed record OffsetReset : ConfigRule
    {
        private const string ByDuration = "by_duration:";

        public override string? Violation(object value)
        {
            var text = (string)value;
            var isValid = text is "latest" or "earliest"
                || text.StartsWith(ByDuration, StringComparison.Ordinal) && IsDuration(text.AsSpan(ByDuration.Length));
            return isValid ? null : $"Value must be one of: {this}";
        }

        public override string ToString() => "latest, earliest, by_duration:PnDTnHnMn.nS";

        private static bool IsDuration(ReadOnlySpan<char> text)
        {
            if (text.Length < 3 || text[0] is not ('P' or 'p'))
                return false;
            var (units, seen) = ("DTHMS", 0);
            var digits = 0;
            foreach (var c in text[1..])
            {
                if (char.IsAsciiDigit(c) || c == '.' && digits > 0)
                {
                    digits++;
                    continue;
                }

                var unit = units.IndexOf(char.ToUpperInvariant(c), seen);
                if (unit < 0 || (units[unit] == 'T') != (digits == 0) || units[unit] != 'T' && unit > 0 && seen == 0)
                    return false;
                (seen, digits) = (unit + 1, 0);
            }

            return digits == 0 && char.ToUpperInvariant(text[^1]) != 'T';
        }
    }
}
