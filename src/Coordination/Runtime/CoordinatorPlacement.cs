namespace Milena.Coordination.Runtime;

/// <summary>Which partition of an internal topic keeps a group, a transactional id or a share partition.</summary>
public static class CoordinatorPlacement
{
    /// <summary>
    /// Kafka's placement: the absolute value of the Java string hash, modulo the partition count. Every broker and client of the
    /// cluster must come to the same answer.
    /// </summary>
    public static int PartitionFor(string key, int partitionCount)
    {
        var hash = JavaHash(key);
        // Kafka's Utils.abs: the smallest int has no absolute value and counts as 0. (Partitioners of producers clear the sign
        // bit instead, which gives another place.)
        return hash == int.MinValue ? 0 : Math.Abs(hash) % partitionCount;
    }

    /// <summary>Java's String.hashCode over the UTF-16 units.</summary>
    internal static int JavaHash(string text)
    {
        var hash = 0;
        foreach (var unit in text)
            hash = unchecked(31 * hash + unit);
        return hash;
    }
}
