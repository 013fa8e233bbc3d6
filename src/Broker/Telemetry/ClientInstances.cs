using Milena.Common;

namespace Milena.Broker.Telemetry;

/// <summary>
/// The client instances that are known, the one heard of last in front. Instances that were silent for long go, and beyond a bound those
/// that were silent the longest, for ids are the clients' to choose. Used under one lock.
/// </summary>
/// <param name="capacity">How many there may be.</param>
/// <param name="forgotten">Told of each that goes.</param>
internal sealed class ClientInstances(int capacity, Action<Uuid> forgotten)
{
    /// <summary>As many as Kafka remembers.</summary>
    public const int CapacityDefault = 16_384;

    private readonly Dictionary<Uuid, LinkedListNode<ClientInstance>> byId = [];
    private readonly LinkedList<ClientInstance> order = [];

    public int Count => byId.Count;

    public ClientInstance? Find(Uuid id, long nowMs)
    {
        while (order.Last is { } last && nowMs - last.Value.SeenAtMs > last.Value.RememberedMs)
            Remove(last);
        if (!byId.TryGetValue(id, out var node))
            return null;
        order.Remove(node);
        order.AddFirst(node);
        node.Value.SeenAtMs = nowMs;
        return node.Value;
    }

    public ClientInstance Add(ClientInstance instance, long nowMs)
    {
        if (Count == capacity)
            Remove(order.Last!);
        instance.SeenAtMs = nowMs;
        byId.Add(instance.Id, order.AddFirst(instance));
        return instance;
    }

    private void Remove(LinkedListNode<ClientInstance> node)
    {
        order.Remove(node);
        byId.Remove(node.Value.Id);
        forgotten(node.Value.Id);
    }
}
