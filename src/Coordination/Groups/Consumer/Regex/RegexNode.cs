namespace Milena.Coordination.Groups;

/// <summary>A parsed expression. Groups leave no trace: nobody asks what they matched.</summary>
internal abstract record RegexNode
{
    /// <summary>Matches the empty text.</summary>
    public static RegexNode Empty { get; } = new RegexSequence([]);

    /// <summary>How many instructions it becomes, which repetition may make a large number; it does not overflow.</summary>
    public abstract double Size { get; }

    /// <summary>The largest product of nested <c>{n,m}</c>: RE2 bounds it.</summary>
    public abstract long Repetitions { get; }
}

/// <summary>One character of a set.</summary>
internal sealed record RegexChars(CharSet Set) : RegexNode
{
    public override double Size => 1;

    public override long Repetitions => 1;
}

/// <summary>A place rather than a character.</summary>
internal sealed record RegexPlace(RegexOp Op) : RegexNode
{
    public override double Size => 1;

    public override long Repetitions => 1;
}

/// <summary>One after the other.</summary>
internal sealed record RegexSequence(IReadOnlyList<RegexNode> Parts) : RegexNode
{
    public override double Size { get; } = Parts.Sum(part => part.Size);

    public override long Repetitions { get; } = Parts.Select(part => part.Repetitions).DefaultIfEmpty(1).Max();
}

/// <summary>One of several.</summary>
internal sealed record RegexChoice(IReadOnlyList<RegexNode> Options) : RegexNode
{
    public override double Size { get; } = Options.Sum(option => option.Size) + Options.Count - 1;

    public override long Repetitions { get; } = Options.Max(option => option.Repetitions);
}

/// <summary>Again and again: at least <paramref name="Min"/> times, and at most <paramref name="Max"/>; null means no limit.</summary>
internal sealed record RegexRepeat(RegexNode Body, int Min, int? Max) : RegexNode
{
    public override double Size { get; } = Max is { } max
        ? Body.Size * max + (max - Min)
        : Body.Size * Math.Max(Min, 1) + 1;

    public override long Repetitions { get; } =
        Body.Repetitions * (Max is > 1 || Min > 1 ? Math.Max(Max ?? Min, 1) : 1);
}
