using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>What an instruction does.</summary>
internal enum RegexOp : byte
{
    /// <summary>Takes one character of the set.</summary>
    Chars,

    /// <summary>Goes both ways.</summary>
    Split,

    /// <summary>Holds before the first character: <c>^</c>, <c>\A</c>.</summary>
    Begin,

    /// <summary>Holds after the last character: <c>$</c>, <c>\z</c>.</summary>
    End,

    /// <summary>Holds where a word begins or ends: <c>\b</c>.</summary>
    WordEdge,

    /// <summary>Holds where none does: <c>\B</c>.</summary>
    NoWordEdge,

    /// <summary>The end of the expression.</summary>
    Match,
}

/// <summary>An instruction: what it does, and where it goes on; the second way is that of a split.</summary>
internal readonly record struct RegexInstruction(RegexOp Op, CharSet Set, int Next, int Other = -1);

/// <summary>An expression as a nondeterministic automaton (Thompson's construction): no larger than its node's size plus one.</summary>
internal sealed class RegexProgram
{
    private readonly List<RegexInstruction> instructions = [new(RegexOp.Match, CharSet.None, -1)];

    public RegexProgram(RegexNode expression) => Start = Emit(expression, next: 0);

    /// <summary>Where it starts.</summary>
    public int Start { get; }

    public int Count => instructions.Count;

    public RegexInstruction this[int index] => instructions[index];

    // Written from the end to the beginning, so that it is known where each part goes on.
    private int Emit(RegexNode node, int next)
    {
        switch (node)
        {
            case RegexChars chars:
                return Add(new(RegexOp.Chars, chars.Set, next));
            case RegexPlace place:
                return Add(new(place.Op, CharSet.None, next));
            case RegexSequence sequence:
                foreach (var part in sequence.Parts.Reverse())
                    next = Emit(part, next);
                return next;
            case RegexChoice choice:
                var entry = Emit(choice.Options[^1], next);
                foreach (var option in choice.Options.Reverse().Skip(1))
                    entry = Split(Emit(option, next), entry);
                return entry;
            case RegexRepeat repeat:
                return Emit(repeat, next);
            default:
                throw new InvariantViolation($"unknown node {node}");
        }
    }

    private int Emit(RegexRepeat repeat, int next)
    {
        var (entry, required) = (next, repeat.Min);
        if (repeat.Max is { } max)
        {
            for (var optional = max - repeat.Min; optional > 0; optional--)
                entry = Split(Emit(repeat.Body, entry), next);
        }
        else
        {
            var loop = Split(-1, next);
            var body = Emit(repeat.Body, loop);
            instructions[loop] = instructions[loop] with { Next = body };
            entry = repeat.Min > 0 ? body : loop;
            required = Math.Max(required - 1, 0);
        }

        for (; required > 0; required--)
            entry = Emit(repeat.Body, entry);
        return entry;
    }

    private int Split(int one, int other) => Add(new(RegexOp.Split, CharSet.None, one, other));

    private int Add(RegexInstruction instruction)
    {
        instructions.Add(instruction);
        return instructions.Count - 1;
    }
}
