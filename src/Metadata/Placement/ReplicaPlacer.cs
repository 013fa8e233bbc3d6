using Milena.Common;

namespace Milena.Metadata.Placement;

/// <summary>A broker on which replicas may be placed.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Rack">Where it stands; null if that is not known, which counts as one rack of its own.</param>
/// <param name="IsFenced">Whether it may follow but not lead.</param>
public sealed record UsableBroker(int Id, string? Rack, bool IsFenced);

/// <summary>Where the replicas of new partitions go, the leader first; or why there is no place for them.</summary>
public readonly record struct Placement(int[][] Replicas, string? Error);

/// <summary>
/// Spreads replicas as Apache Kafka does (<c>StripedReplicaPlacer</c>): leaders go round the racks and, within a rack, round
/// its brokers; followers stand in other racks as long as there are any; fenced brokers get replicas only where there is
/// no other of their rack, and never lead. Whenever every broker has led once, the order is shuffled.
/// </summary>
public static class ReplicaPlacer
{
    /// <summary>Places <paramref name="partitionCount"/> partitions.</summary>
    /// <param name="brokers">Registered brokers that are not shutting down, fenced ones included.</param>
    /// <param name="partitionCount">How many partitions.</param>
    /// <param name="replicationFactor">How many replicas each.</param>
    /// <param name="random">Where the stripes start.</param>
    public static Placement Place(
        IReadOnlyCollection<UsableBroker> brokers, int partitionCount, int replicationFactor, Random random)
    {
        if (Refusal(brokers, replicationFactor) is { } error)
            return new Placement([], error);
        var racks = new RackRound(brokers, random);
        var replicas = new int[partitionCount][];
        for (var partition = 0; partition < partitionCount; partition++)
            replicas[partition] = racks.Place(replicationFactor);
        return new Placement(replicas, null);
    }

    private static string? Refusal(IReadOnlyCollection<UsableBroker> brokers, int replicationFactor)
    {
        if (replicationFactor <= 0)
            return $"Invalid replication factor {replicationFactor}: the replication factor must be positive.";
        if (replicationFactor > brokers.Count)
        {
            return $"The target replication factor of {replicationFactor} cannot be reached because only {brokers.Count} broker(s) "
                + "are registered or some brokers have all their log directories cordoned.";
        }

        return brokers.All(broker => broker.IsFenced)
            ? "All brokers are currently fenced, or have all their log directories cordoned."
            : null;
    }

    /// <summary>All racks, and where the next stripe starts.</summary>
    private sealed class RackRound
    {
        private readonly Random random;
        private readonly Rack[] racks;
        private readonly int unfencedCount;
        private int offset;
        private int epoch;

        public RackRound(IReadOnlyCollection<UsableBroker> brokers, Random random)
        {
            this.random = random;
            racks = [.. brokers
                .GroupBy(broker => broker.Rack)
                .OrderBy(group => group.Key is not null)
                .ThenBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new Rack(group, random))];
            unfencedCount = brokers.Count(broker => !broker.IsFenced);
            offset = random.Next(racks.Length);
        }

        public int[] Place(int replicationFactor)
        {
            if (epoch == unfencedCount && unfencedCount > 1)
                Shuffle();
            if (offset == racks.Length)
                offset = 0;

            var replicas = new int[replicationFactor];
            var rackIndex = offset;
            Rack leaderRack;
            int leader;
            do
                leaderRack = Next(ref rackIndex);
            while (!leaderRack.TryTakeUnfenced(epoch, out leader));
            replicas[0] = leader;

            rackIndex = offset;
            var hasPassedLeaderRack = false;
            for (var taken = 1; taken < replicationFactor;)
            {
                var rack = Next(ref rackIndex);
                if (rack == leaderRack && !hasPassedLeaderRack)
                    hasPassedLeaderRack = true;
                else if (rack.TryTake(epoch, out var replica))
                    replicas[taken++] = replica;
            }

            epoch++;
            offset++;
            return replicas;
        }

        private Rack Next(ref int rackIndex)
        {
            if (rackIndex == racks.Length)
                rackIndex = 0;
            return racks[rackIndex++];
        }

        private void Shuffle()
        {
            Order.Shuffle(racks, random);
            foreach (var rack in racks)
                rack.Shuffle(random);
            epoch = 0;
        }
    }

    /// <summary>The brokers of one rack.</summary>
    private sealed class Rack
    {
        private readonly BrokerRound fenced;
        private readonly BrokerRound unfenced;

        public Rack(IEnumerable<UsableBroker> brokers, Random random)
        {
            var sorted = brokers.OrderBy(broker => broker.Id).ToArray();
            fenced = new BrokerRound([.. sorted.Where(broker => broker.IsFenced).Select(broker => broker.Id)], random);
            unfenced = new BrokerRound([.. sorted.Where(broker => !broker.IsFenced).Select(broker => broker.Id)], random);
        }

        public bool TryTakeUnfenced(int epoch, out int broker) => unfenced.TryTake(epoch, out broker);

        public bool TryTake(int epoch, out int broker) => unfenced.TryTake(epoch, out broker) || fenced.TryTake(epoch, out broker);

        public void Shuffle(Random random)
        {
            fenced.Shuffle(random);
            unfenced.Shuffle(random);
        }
    }

    /// <summary>A circle of brokers, each given out at most once for a partition; the next partition starts one further.</summary>
    private sealed class BrokerRound(int[] brokers, Random random)
    {
        private int offset = brokers.Length == 0 ? 0 : random.Next(brokers.Length);
        private int index;
        private int epoch;

        public bool TryTake(int currentEpoch, out int broker)
        {
            broker = -1;
            if (brokers.Length == 0)
                return false;
            if (epoch != currentEpoch)
            {
                (epoch, index) = (currentEpoch, 0);
                offset = (offset + 1) % brokers.Length;
            }

            if (index == brokers.Length)
                return false;
            broker = brokers[(index++ + offset) % brokers.Length];
            return true;
        }

        public void Shuffle(Random random) => Order.Shuffle(brokers, random);
    }

    private static class Order
    {
        // From the end, each with one before it or itself: the order in which Java draws.
        public static void Shuffle<T>(T[] items, Random random)
        {
            for (var i = items.Length; i > 1; i--)
            {
                var other = random.Next(i);
                (items[i - 1], items[other]) = (items[other], items[i - 1]);
            }
        }
    }
}
