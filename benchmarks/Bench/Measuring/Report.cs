using System.Globalization;

namespace Milena.Bench.Measuring;

/// <summary>The goal of a figure.</summary>
internal readonly record struct Goal(double Bound, bool IsCeiling)
{
    public static Goal AtMost(double bound) => new(bound, IsCeiling: true);

    public static Goal AtLeast(double bound) => new(bound, IsCeiling: false);

    public bool IsMet(double value) => IsCeiling ? value <= Bound : value >= Bound;

    public override string ToString() => (IsCeiling ? "<= " : ">= ") + Bound.ToString("0.##", CultureInfo.InvariantCulture);
}

/// <summary>Prints figures as they come, and keeps them for the file that is written at the end.</summary>
internal sealed class Report
{
    private readonly List<string> lines = [];

    public void Title(string text) => Line($"\n## {text}\n");

    public void Line(string text)
    {
        Console.WriteLine(text);
        lines.Add(text);
    }

    /// <summary>Median, least and most of some values, against a goal.</summary>
    /// <param name="name">What it is, with its unit.</param>
    /// <param name="values">One of each repetition.</param>
    /// <param name="goal">What it should be.</param>
    /// <param name="disturbed">How many of the repetitions were disturbed by other processes.</param>
    public void Figure(string name, IReadOnlyList<double> values, Goal? goal = null, int disturbed = 0)
    {
        var sorted = values.Order().ToArray();
        var median = sorted.Length % 2 == 1
            ? sorted[sorted.Length / 2]
            : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
        var verdict = goal is { } bound ? $"  (goal {bound}: {(bound.IsMet(median) ? "met" : "MISSED")})" : "";
        var caution = disturbed > 0 ? $"  [{disturbed} of {sorted.Length} disturbed by other processes]" : "";
        Line($"- {name}: **{Show(median)}** ({Show(sorted[0])} to {Show(sorted[^1])}, n={sorted.Length}){verdict}{caution}");
    }

    public void Save(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, lines);
    }

    private static string Show(double value) => Math.Abs(value) switch
    {
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 20 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
