namespace Milena.ProtocolGenerator;

/// <summary>A contiguous set of versions, both ends included; empty if the low end is above the high one.</summary>
internal readonly record struct Versions(int Low, int High)
{
    private const int Unbounded = short.MaxValue;

    public static Versions None => new(1, 0);

    public static Versions All => new(0, Unbounded);

    public bool IsEmpty => Low > High;

    /// <summary>Reads <c>N</c>, <c>N-M</c>, <c>N+</c> or <c>none</c>.</summary>
    public static Versions Parse(string text)
    {
        if (text == "none")
            return None;
        if (text.EndsWith('+'))
            return new(Number(text[..^1]), Unbounded);
        var dash = text.IndexOf('-');
        return dash < 0 ? new(Number(text), Number(text)) : new(Number(text[..dash]), Number(text[(dash + 1)..]));

        int Number(string digits) =>
            ushort.TryParse(digits, out var number) ? number : throw new SchemaException($"'{text}' is not a range of versions");
    }

    public bool Contains(int version) => Low <= version && version <= High;

    public bool Covers(Versions other) => other.IsEmpty || (Low <= other.Low && other.High <= High);

    public Versions Intersect(Versions other)
    {
        var both = new Versions(Math.Max(Low, other.Low), Math.Min(High, other.High));
        return both.IsEmpty ? None : both;
    }

    /// <summary>What is left without <paramref name="other"/>, which must leave one piece.</summary>
    public Versions Except(Versions other)
    {
        var both = Intersect(other);
        if (both.IsEmpty)
            return this;
        if (both.Low == Low)
            return both.High >= High ? None : new(both.High + 1, High);
        return both.High >= High
            ? new(Low, both.Low - 1)
            : throw new SchemaException($"versions {this} without {other} are two ranges");
    }

    /// <summary>
    /// A C# condition on <c>version</c> that holds in these versions, given that it lies in <paramref name="within"/>; null if
    /// it always holds.
    /// </summary>
    public string? Condition(Versions within)
    {
        var here = Intersect(within);
        if (here == within)
            return null;
        if (here.IsEmpty)
            return "false";
        if (here.Low == here.High && here.Low != within.Low && here.High != within.High)
            return $"version == {here.Low}";
        if (here.High == within.High)
            return $"version >= {here.Low}";
        return here.Low == within.Low ? $"version <= {here.High}" : $"version is >= {here.Low} and <= {here.High}";
    }

    /// <summary>
    /// A C# condition that holds in the versions of <paramref name="within"/> that are not among these; null if none of these
    /// is within.
    /// </summary>
    public string? ConditionOutside(Versions within)
    {
        var here = Intersect(within);
        if (here.IsEmpty)
            return null;
        if (here.High == within.High)
            return $"version < {here.Low}";
        return here.Low == within.Low ? $"version > {here.High}" : $"version is < {here.Low} or > {here.High}";
    }

    public override string ToString() =>
        IsEmpty ? "none" : High == Unbounded ? $"{Low}+" : Low == High ? $"{Low}" : $"{Low}-{High}";
}

/// <summary>A schema that does not follow the grammar; the build shows the message.</summary>
internal sealed class SchemaException(string message) : Exception(message);
