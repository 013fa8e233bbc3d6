using System.Collections.Immutable;

namespace Milena.Coordination.Groups;

/// <summary>What an expression stands for.</summary>
/// <param name="Topics">The names that match, in ordinal order.</param>
/// <param name="IsTooCostly">It was given up, and stands for no topics: see <see cref="RegexResolver.StepsMax"/>.</param>
internal readonly record struct RegexResolution(ImmutableSortedSet<string> Topics, bool IsTooCostly);

/// <summary>Finds the topics that regular expressions stand for, and knows when to look again. Pure.</summary>
/// <remarks>
/// As in Kafka, internal topics are topics like others here: <c>.*</c> stands for <c>__consumer_offsets</c> too, and it is the
/// authorizer who keeps it from those who may not see it. Names that the caller may not describe are left out before.
/// </remarks>
internal static class RegexResolver
{
    /// <summary>How many different expressions the members of one group may have. Ours.</summary>
    public const int PerGroupMax = 100;

    /// <summary>
    /// Instructions that finding one expression's topics may take: some tens of milliseconds. Ordinary expressions take a few for each
    /// name; one that was made to explode is given up here. Ours.
    /// </summary>
    public const long StepsMax = 2_000_000;

    /// <summary>How long what has been found counts at least (Kafka: REGEX_BATCH_REFRESH_MIN_INTERVAL_MS).</summary>
    public const int RefreshIntervalMsMin = 10_000;

    /// <summary>The topics that the expression stands for. One that is not valid stands for none.</summary>
    public static RegexResolution Resolve(string expression, IEnumerable<string> topics)
    {
        var none = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
        if (TopicRegex.Parse(expression, out _) is not { } regex)
            return new(none, IsTooCostly: false);
        var found = none.ToBuilder();
        foreach (var topic in topics)
        {
            if (regex.IsMatch(topic))
                found.Add(topic);
            if (regex.Steps > StepsMax)
                return new(none, IsTooCostly: true);
        }

        return new(found.ToImmutable(), IsTooCostly: false);
    }

    /// <summary>Whether a group's expressions are to be looked up again.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="lastMs">When it was done last, on the same clock; null for never.</param>
    /// <param name="isUnresolved">There is an expression that has not been looked up yet.</param>
    /// <param name="hasNewTopics">Topics were created since.</param>
    /// <param name="intervalMs"><c>group.consumer.regex.refresh.interval.ms</c>: when to look even if nothing seems to have changed.</param>
    public static bool IsRefreshDue(long nowMs, long? lastMs, bool isUnresolved, bool hasNewTopics, int intervalMs) =>
        lastMs is not { } last
        || nowMs - last >= RefreshIntervalMsMin && (isUnresolved || hasNewTopics || nowMs - last >= intervalMs);
}
