using System.Runtime.InteropServices;

namespace Milena.Coordination.Groups;

/// <summary>Runs a program over names, and remembers for each set of places in it where a character leads.</summary>
internal sealed class RegexMatcher
{
    // What is remembered, in places of the program over all states; and what a state costs besides, counted in the same unit.
    private const int RememberedMax = 1_000_000;
    private const int StateCost = 2 * CharSet.Limit;
    private const int EndOfName = CharSet.Limit;

    private readonly RegexProgram program;
    private readonly Dictionary<string, State> states = new(StringComparer.Ordinal);
    private readonly Stack<int> open = new();
    private readonly List<char> reached = [];
    private readonly int[] lookedAt; // the round in which it was, by place
    private readonly int[] reachedIn; // likewise
    private int round;
    private int remembered;
    private State start;

    public RegexMatcher(RegexProgram program)
    {
        this.program = program;
        lookedAt = new int[program.Count];
        reachedIn = new int[program.Count];
        start = new State(((char)program.Start).ToString(), Before.Begin);
    }

    private enum Before
    {
        Begin,
        Word,
        Other,
    }

    /// <summary>Instructions looked at so far. What is remembered costs none: it is about as cheap as to compare the names.</summary>
    public long Steps { get; private set; }

    public bool IsMatch(string name)
    {
        var state = start;
        foreach (var c in name)
        {
            if (c >= CharSet.Limit)
                return false;
            state = state.Next[c] ??= Step(state, c);
            if (state.IsDead)
                return false;
        }

        return (state.Next[EndOfName] ??= Step(state, EndOfName)).IsMatch;
    }

    // Where the state leads with this character, or at the end of the name.
    private State Step(State state, int c)
    {
        reached.Clear();
        var isMatch = false;
        round++;
        foreach (var place in state.Places)
            open.Push(place);
        while (open.TryPop(out var place))
        {
            if (lookedAt[place] == round)
                continue;
            lookedAt[place] = round;
            Steps++;
            var instruction = program[place];
            switch (instruction.Op)
            {
                case RegexOp.Chars:
                    if (c != EndOfName && instruction.Set.Contains(c) && reachedIn[instruction.Next] != round)
                    {
                        reachedIn[instruction.Next] = round;
                        reached.Add((char)instruction.Next);
                    }

                    break;
                case RegexOp.Split:
                    open.Push(instruction.Next);
                    open.Push(instruction.Other);
                    break;
                case RegexOp.Match:
                    isMatch = c == EndOfName;
                    break;
                default:
                    if (Holds(instruction.Op, state.Before, c))
                        open.Push(instruction.Next);
                    break;
            }
        }

        if (c == EndOfName)
            return isMatch ? State.Matched : State.Dead;
        if (reached.Count == 0)
            return State.Dead;
        reached.Sort();
        return Remember(new string(CollectionsMarshal.AsSpan(reached)), IsWord(c) ? Before.Word : Before.Other);
    }

    private static bool Holds(RegexOp op, Before before, int c) => op switch
    {
        RegexOp.Begin => before == Before.Begin,
        RegexOp.End => c == EndOfName,
        RegexOp.WordEdge => (before == Before.Word) != IsWord(c),
        _ => (before == Before.Word) == IsWord(c),
    };

    private static bool IsWord(int c) => c != EndOfName && CharSet.Word.Contains(c);

    private State Remember(string places, Before before)
    {
        var key = places + (char)before;
        if (states.TryGetValue(key, out var known))
            return known;
        remembered += places.Length + StateCost;
        if (remembered > RememberedMax)
        {
            states.Clear();
            start = new State(start.Places, start.Before);
            remembered = places.Length + StateCost;
        }

        return states[key] = new State(places, before);
    }

    /// <summary>Places that have been reached, and what stood before them. A place is an index below 65,536, and so a character.</summary>
    private sealed class State(string places, Before before)
    {
        public static readonly State Dead = new("", Before.Other);
        public static readonly State Matched = new("", Before.Other);

        public string Places { get; } = places;

        public Before Before { get; } = before;

        public State?[] Next { get; } = new State?[CharSet.Limit + 1];

        public bool IsDead => this == Dead;

        public bool IsMatch => this == Matched;
    }
}
