namespace Milena.Metadata.Topics;

/// <summary>Which names topics may have, and which names mean something to Kafka itself.</summary>
public static class TopicNames
{
    /// <summary>The longest name, so that a directory's name (with partition and suffixes) fits into 255 characters.</summary>
    public const int LengthMax = 249;

    /// <summary>The offsets and members of groups.</summary>
    public const string ConsumerOffsets = "__consumer_offsets";

    /// <summary>The states of transactions.</summary>
    public const string TransactionState = "__transaction_state";

    /// <summary>The states of share groups (KIP-932).</summary>
    public const string ShareGroupState = "__share_group_state";

    /// <summary>The log of the cluster's metadata, which is no topic that clients may create, write or delete.</summary>
    public const string ClusterMetadata = "__cluster_metadata";

    /// <summary>Whether the topic is Kafka's own, as Metadata answers tell clients.</summary>
    public static bool IsInternal(string name) => name is ConsumerOffsets or TransactionState or ShareGroupState;

    /// <summary>Why this cannot be a topic's name, or null if it can.</summary>
    public static string? Violation(string name)
    {
        if (name.Length == 0)
            return "Topic name is invalid: the empty string is not allowed";
        if (name is "." or "..")
            return $"Topic name is invalid: '{name}' is not allowed";
        if (name.Length > LengthMax)
            return $"Topic name is invalid: the length of '{name}' is longer than the max allowed length {LengthMax}";
        return name.All(IsAllowed)
            ? null
            : $"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    }

    /// <summary>
    /// Whether two topics of these names would be one in metric names, where '.' and '_' are the same: such a topic is not
    /// created beside the other.
    /// </summary>
    public static string Collapse(string name) => name.Replace('.', '_');

    /// <summary>Whether the name has a character that may make it collide.</summary>
    public static bool MayCollide(string name) => name.AsSpan().ContainsAny('.', '_');

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
