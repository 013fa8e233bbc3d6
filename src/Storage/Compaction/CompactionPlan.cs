namespace Milena.Storage;

/// <summary>What a plan needs to know of a segment.</summary>
/// <param name="BaseOffset">Where it begins.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="MaxTimestampMs">Its largest time, or that of the last write if no record has one. Only needed with a minimum lag.</param>
/// <param name="FirstTimestampMs">The time of its first batch, -1 for none. Only needed with a maximum lag.</param>
internal readonly record struct SegmentFacts(long BaseOffset, int Size, long MaxTimestampMs = -1, long FirstTimestampMs = -1);

/// <summary>What a plan needs to know of a log.</summary>
/// <param name="Config">The topic's settings.</param>
/// <param name="LogStartOffset">The first offset that can be read.</param>
/// <param name="LogEndOffset">The offset that is written next.</param>
/// <param name="LastStableOffset">Below it everything is replicated, and every transaction is decided.</param>
/// <param name="CleanedTo">What the checkpoint says; -1 if it says nothing.</param>
/// <param name="Segments">All segments, ascending; the last is the active one.</param>
internal sealed record LogFacts(
    LogConfig Config, long LogStartOffset, long LogEndOffset, long LastStableOffset, long CleanedTo, IReadOnlyList<SegmentFacts> Segments);

/// <summary>
/// What a pass over a log would do, and whether it is due. The part of a log from <see cref="FirstDirtyOffset"/> to
/// <see cref="FirstUncleanableOffset"/> may hold several records of a key; what lies before was compacted, what lies behind stays as
/// it is.
/// </summary>
/// <param name="FirstDirtyOffset">Where the last pass ended.</param>
/// <param name="FirstUncleanableOffset">Where a pass must end: the beginning of a segment.</param>
/// <param name="CleanBytes">Bytes of segments that begin before the dirty part.</param>
/// <param name="DirtyBytes">Bytes of segments that a pass would look for keys in.</param>
/// <param name="OverdueMs">For how long the oldest record has been waiting beyond <c>max.compaction.lag.ms</c>; 0 if it has not.</param>
/// <param name="IsReset">The checkpoint was of no use, so the whole log counts as dirty.</param>
internal readonly record struct CompactionPlan(
    long FirstDirtyOffset, long FirstUncleanableOffset, long CleanBytes, long DirtyBytes, long OverdueMs, bool IsReset)
{
    /// <summary>How much of what a pass would read is dirty, from 0 to 1.</summary>
    public double DirtyRatio => DirtyBytes == 0 ? 0 : (double)DirtyBytes / (CleanBytes + DirtyBytes);

    /// <summary>Whether a record waits longer than it may, so that the ratio does not matter.</summary>
    public bool IsOverdue => OverdueMs > 0 && DirtyBytes > 0;

    /// <summary>Plans a pass.</summary>
    public static CompactionPlan Of(LogFacts log, long nowMs)
    {
        var isReset = log.CleanedTo >= 0 && (log.CleanedTo < log.LogStartOffset || log.CleanedTo > log.LogEndOffset);
        var firstDirty = log.CleanedTo < 0 || isReset ? log.LogStartOffset : log.CleanedTo;
        var bound = Math.Min(log.LastStableOffset, log.Segments[^1].BaseOffset);
        var (cleanBytes, dirtyBytes, overdueMs, firstUncleanable) = (0L, 0L, 0L, log.Segments[0].BaseOffset);
        for (var i = 0; i + 1 < log.Segments.Count; i++)
        {
            var segment = log.Segments[i];
            var nextBase = log.Segments[i + 1].BaseOffset;
            if (segment.BaseOffset < firstDirty)
                cleanBytes += segment.Size;
            if (nextBase > firstDirty)
                overdueMs = Math.Max(overdueMs, Overdue(segment, log.Config, nowMs));
            if (nextBase > bound || (nextBase > firstDirty && IsTooYoung(segment, log.Config, nowMs)))
                bound = Math.Min(bound, segment.BaseOffset); // and all that follow: what remains is counted for its lag alone
            if (nextBase > bound)
                continue;
            firstUncleanable = nextBase;
            if (nextBase > firstDirty)
                dirtyBytes += segment.Size;
        }

        return new(firstDirty, firstUncleanable, cleanBytes, dirtyBytes, overdueMs, isReset);
    }

    /// <summary>Whether a pass is worth its while.</summary>
    public bool IsDue(LogConfig config) => IsOverdue || DirtyRatio > config.MinCleanableDirtyRatio;

    /// <summary>Whether this one comes before another: what is overdue first, then what is dirtiest.</summary>
    public bool ComesBefore(CompactionPlan other) =>
        IsOverdue != other.IsOverdue ? IsOverdue : DirtyRatio > other.DirtyRatio;

    private static bool IsTooYoung(SegmentFacts segment, LogConfig config, long nowMs) =>
        config.MinCompactionLagMs > 0 && segment.MaxTimestampMs > nowMs - config.MinCompactionLagMs;

    private static long Overdue(SegmentFacts segment, LogConfig config, long nowMs) =>
        segment.FirstTimestampMs > 0 && nowMs - segment.FirstTimestampMs is var age && age > config.MaxCompactionLagMs
            ? age - config.MaxCompactionLagMs
            : 0;
}
