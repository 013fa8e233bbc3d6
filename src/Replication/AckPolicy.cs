namespace Milena.Replication;

/// <summary>
/// <c>log.flush.before.ack</c>: whether what is acknowledged must be on the disk before. Kafka trusts in other replicas to
/// hold what a power cut takes from one; a partition with a single replica, or with one that is in sync, has none.
/// </summary>
public enum AckPolicy
{
    /// <summary>Before acks=all is answered, where a single replica is in sync. The default.</summary>
    Auto,

    /// <summary>Before any acknowledgement.</summary>
    Always,

    /// <summary>As Kafka does: only by <c>flush.messages</c>, <c>flush.ms</c>, rolls and a clean stop.</summary>
    Never,
}
