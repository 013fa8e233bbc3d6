using FsCheck;
using FsCheck.Xunit;
using Milena.Common;
using Milena.Coordination.Groups;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>
/// Members of both protocols, static and not, come, go, fall silent, miss answers and change their minds; topics come, grow and go;
/// coordinators fail over. After every step: a partition has one owner; nobody reads from what another owns; no member is ahead of
/// its group; replay gives the same group. And once everybody behaves, all becomes stable and each partition has its reader.
/// </summary>
public class ConsumerRandomEventsTests
{
    private const int Steps = 150;

    // What must not be missing from the chances.
    private static readonly string[] MustBeSeen =
    [
        "upgrade", "downgrade", "conversion", "Assigning", "Reconciling", "Stable", "UnrevokedPartitions", "UnreleasedPartitions",
        "FencedMemberEpoch", "UnknownMemberId", "GroupIdNotFound", "UnreleasedInstanceId", "PreparingRebalance", "CompletingRebalance",
    ];

    [Property(MaxTest = 50)]
    public void Whatever_happens_no_partition_is_read_by_two_and_in_the_end_each_is_read_by_one(DoNotSize<int> seed) => Live(seed.Item);

    [Fact]
    public void Everything_that_should_happens_in_a_hundred_lives()
    {
        var seen = new HashSet<string>();
        Assert.All(Enumerable.Range(0, 100), seed => seen.UnionWith(Live(seed).Keys));
        Assert.Empty(MustBeSeen.Except(seen));
    }

    private static SortedDictionary<string, int> Live(int seed)
    {
        var random = new Random(seed);
        var world = new ConsumerWorld();
        world.Topics.Set("t", 5);
        world.Topics.Set("u", 2);
        var members = Members(random);
        var present = new HashSet<TestMember>();
        for (var step = 0; step < Steps; step++)
        {
            Chance(world, random, members[random.Next(members.Length)], present);
            Deliver(world, members);
            CheckReaders(world, members);
        }

        // From here on everybody does what it is told. Who was never heard of again goes by itself.
        for (var round = 0; round < 150; round++)
        {
            foreach (var member in present)
            {
                member.Act(world, isLost: false);
                Deliver(world, members);
                CheckReaders(world, members);
            }
            world.Advance(3_000);
            Deliver(world, members);
        }
        AssertSettled(world, present);
        return world.Seen;
    }

    private static TestMember[] Members(Random random)
    {
        // What kinds there are differs, so that groups of one kind alone occur too.
        var consumers = random.Next(4);
        var classics = random.Next(4);
        return
        [
            .. Enumerable.Range(0, consumers).Select(i => new ConsumerProtocolMember(
                $"n{i}", i == 1 ? "i1" : null, regex: i == 2 ? "[tu]" : null)),
            .. Enumerable.Range(0, Math.Max(classics, consumers == 0 ? 1 : 0)).Select(i => new ClassicProtocolMember(
                $"c{i}", i == 1 ? "i1" : null, isCooperative: random.Next(2) == 0)),
        ];
    }

    private static void Chance(ConsumerWorld world, Random random, TestMember member, HashSet<TestMember> present)
    {
        // Two processes with one instance id would fence each other for ever.
        var isTaken = present.Any(other => other != member && other.Instance is not null && other.Instance == member.Instance);
        switch (random.Next(24))
        {
            case < 13 when !isTaken:
                present.Add(member);
                member.Act(world, isLost: random.Next(8) == 0);
                break;
            case 13 when member is ConsumerProtocolMember consumer && present.Contains(member):
                consumer.ActInVain(world);
                break;
            case 14 when present.Remove(member):
                member.Leave(world);
                break;
            case 15 when present.Remove(member):
                member.Restart();
                break;
            case 16 when member is ConsumerProtocolMember consumer:
                consumer.Slowness = random.Next(15);
                break;
            case 17:
                member.Topics = random.Next(3) switch { 0 => ["t"], 1 => ["u"], _ => ["t", "u"] };
                break;
            case 18 when random.Next(4) == 0:
                world.Topics.Set("t", world.Topics.PartitionCount("t") + 1);
                break;
            case 19 when random.Next(4) == 0:
                world.Topics.Set("u", random.Next(2) == 0 ? 0 : Math.Max(world.Topics.PartitionCount("u"), 2));
                break;
            case 20 when random.Next(4) == 0:
                world.Failover();
                break;
            case 21 when random.Next(8) == 0:
                world.Advance(random.Next(60_000));
                break;
            default:
                world.Advance(random.Next(3_000));
                break;
        }
    }

    private static void Deliver(ConsumerWorld world, TestMember[] members)
    {
        foreach (var (name, answer) in world.TakeAnswers())
            members.Single(member => member.Name == name).Hear(world, answer);
    }

    private static void CheckReaders(ConsumerWorld world, TestMember[] members)
    {
        if (world.Group is not ConsumerGroup group)
            return;
        foreach (var member in members)
        {
            if (group.Find(member.MemberId) is not { } known)
                continue;
            // Nobody can read from a topic that is gone.
            var read = PartitionSet.Of(member.Owned.Where(partition => world.Topics.TopicName(partition.TopicId) is not null));
            Assert.True(read.IsSubsetOf(known.Assigned.Union(known.PendingRevocation)), $"{member.Name} reads what it does not own");
        }
    }

    private static void AssertSettled(ConsumerWorld world, HashSet<TestMember> present)
    {
        if (present.Count == 0)
        {
            Assert.True(world.Group is null or { IsEmpty: true });
            return;
        }
        Assert.Equal("Stable", world.Group!.StateName);
        Assert.Equal(present.Select(member => member.MemberId).Order(StringComparer.Ordinal), world.Group switch
        {
            ConsumerGroup group => group.Members.Keys,
            var group => ((ClassicGroup)group).Members.Keys,
        });
        if (world.Group is ClassicGroup)
        {
            Assert.DoesNotContain(present, member => member is ConsumerProtocolMember);
            return; // its leader need not have heard of new partitions
        }
        var expected = world.Topics.Names
            .Where(topic => present.Any(member => member is ConsumerProtocolMember { Regex: not null } || member.Topics.Contains(topic)))
            .SelectMany(topic => Enumerable.Range(0, world.Topics.PartitionCount(topic)).Select(p => new TopicIdPartition(world.Topics.TopicId(topic), p)));
        var read = present.SelectMany(member => member.Owned).ToArray();
        Assert.Equal(PartitionSet.Of(expected), PartitionSet.Of(read));
        Assert.Equal(read.Length, PartitionSet.Of(read).Count);
    }
}
