using Milena.Metadata.Images;
using Milena.Protocol;

namespace Milena.Broker.Apis;

/// <summary>What Metadata and DescribeTopicPartitions have in common: how a partition looks from a listener.</summary>
internal static class TopicAnswers
{
    /// <summary>What is answered for authorised operations that nobody has asked for.</summary>
    public const int OperationsNotAsked = int.MinValue;

    /// <summary>
    /// Every operation that a topic knows, as a bit field by the codes of AclOperation: read 3, write 4, create 5, delete 6,
    /// alter 7, describe 8, describe configs 10, alter configs 11. Nobody is forbidden anything while there are no ACLs.
    /// </summary>
    public const int AllTopicOperations = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;

    /// <summary>
    /// The same for the cluster: create 5, alter 7, describe 8, cluster action 9, describe and alter configs, idempotent write 12.
    /// </summary>
    public const int AllClusterOperations = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

    /// <summary>The same for a group: read 3, delete 6, describe 8, describe configs 10, alter configs 11.</summary>
    public const int AllGroupOperations = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

    /// <summary>The broker's address on the listener if it can be reached there now.</summary>
    public static bool IsAlive(MetadataImage image, int brokerId, string listener) =>
        image.Brokers.TryGetValue(brokerId, out var broker) && !broker.IsFenced && broker.EndpointOf(listener) is not null;

    /// <summary>Whether there is a leader whom the client can reach over its listener, and if not, what it is told.</summary>
    public static ErrorCode LeaderError(MetadataImage image, PartitionImage partition, string listener, bool knowsListeners)
    {
        if (!partition.HasLeader || !image.Brokers.TryGetValue(partition.Leader, out var leader) || leader.IsFenced)
            return ErrorCode.LeaderNotAvailable;
        if (leader.EndpointOf(listener) is null)
            return knowsListeners ? ErrorCode.ListenerNotFound : ErrorCode.LeaderNotAvailable;
        return ErrorCode.None;
    }

    /// <summary>The replicas whose broker is not there.</summary>
    public static int[] Offline(MetadataImage image, PartitionImage partition, string listener) =>
        [.. partition.Replicas.Where(id => !IsAlive(image, id, listener))];
}
