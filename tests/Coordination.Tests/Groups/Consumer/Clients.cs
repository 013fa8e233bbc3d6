using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>Somebody who wants partitions, and believes to own some.</summary>
internal abstract class TestMember(string name, string? instance)
{
    public string Name => name;

    public string? Instance => instance;

    public string MemberId { get; protected set; } = "";

    public string[] Topics { get; set; } = ["t"];

    /// <summary>What it reads from at this moment.</summary>
    public PartitionSet Owned { get; protected set; } = PartitionSet.Empty;

    /// <summary>Does what is to be done next.</summary>
    public abstract void Act(ConsumerWorld world, bool isLost);

    public abstract void Leave(ConsumerWorld world);

    /// <summary>An answer that comes later than the call.</summary>
    public virtual void Hear(ConsumerWorld world, object answer)
    {
    }

    /// <summary>Its process is gone and comes up again: it remembers nothing.</summary>
    public abstract void Restart();
}

/// <summary>
/// A client of the consumer protocol, as the Java client and librdkafka behave: heartbeats that say only what is new, everything
/// again after an answer did not come, and partitions given up before others are taken.
/// </summary>
internal sealed class ConsumerProtocolMember : TestMember
{
    private int incarnation;
    private int epoch;
    private bool saysAll = true;
    private bool saysOwned;
    private PartitionSet? target;
    private string[] topicsSaid = [];

    public ConsumerProtocolMember(string name, string? instance, string? regex = null)
        : base(name, instance)
    {
        Regex = regex;
        Restart();
    }

    public string? Regex { get; }

    /// <summary>It is slow to do what it is told: partitions stay with it for some heartbeats.</summary>
    public int Slowness { get; set; }

    public override void Act(ConsumerWorld world, bool isLost)
    {
        if (target is not null && Slowness-- <= 0)
        {
            Owned = target;
            (target, saysOwned, Slowness) = (null, true, 0);
        }

        if (world.Group is ConsumerGroup group && group.Find(MemberId) is { State: not ConsumerMemberState.Stable } known)
            world.See(known.State.ToString());
        var isFull = saysAll || epoch == 0;
        var response = world.Beat(
            MemberId, epoch, Regex is null && (isFull || !Topics.SequenceEqual(topicsSaid)) ? Topics : null, isFull || saysOwned ? Owned : null,
            Instance, isFull ? Regex : null, rebalanceMs: isFull ? 30_000 : -1);
        if (isLost)
            saysAll = true;
        else
        {
            world.See($"{response.ErrorCode}");
            Hear(response);
        }
    }

    /// <summary>A heartbeat that the coordinator could not write.</summary>
    public void ActInVain(ConsumerWorld world)
    {
        world.Beat(MemberId, epoch, Topics, Owned, Instance, Regex, rebalanceMs: 30_000, isRefused: true);
        saysAll = true;
    }

    public override void Leave(ConsumerWorld world)
    {
        world.Beat(MemberId, Instance is null ? -1 : -2, instance: Instance);
        Restart();
    }

    public override void Restart()
    {
        MemberId = $"{Name}.{++incarnation}";
        Drop();
    }

    private void Hear(ConsumerGroupHeartbeatResponse response)
    {
        switch (response.ErrorCode)
        {
            case ErrorCode.None:
                Assert.Equal(MemberId, response.MemberId);
                (epoch, saysAll, saysOwned, topicsSaid) = (response.MemberEpoch, false, false, Topics);
                if (response.Assignment is { } assignment)
                    target = PartitionSet.Of(assignment.TopicPartitions.SelectMany(topic => topic.Partitions.Select(p => new TopicIdPartition(topic.TopicId, p))));
                break;
            case ErrorCode.FencedMemberEpoch or ErrorCode.UnknownMemberId or ErrorCode.GroupIdNotFound:
                Drop();
                break;
            case ErrorCode.UnreleasedInstanceId or ErrorCode.FencedInstanceId:
                Restart();
                break;
            default:
                Assert.Fail($"{Name}: {response.ErrorCode} {response.ErrorMessage}");
                break;
        }
    }

    private void Drop()
    {
        (epoch, saysAll, saysOwned, target, Owned, Slowness) = (0, true, false, null, PartitionSet.Empty, 0);
        topicsSaid = [];
    }
}

/// <summary>
/// A client of the classic protocol: one that gives everything up whenever there is a rebalance, or, if it is cooperative, only what it
/// is not given again, after which it joins once more. As leader it leaves to everybody what they have.
/// </summary>
internal sealed class ClassicProtocolMember(string name, string? instance, bool isCooperative) : TestMember(name, instance)
{
    private Want want;
    private int generation = -1;
    private JoinGroupResponse? joined;
    private string[] topicsJoined = [];

    private enum Want
    {
        Join,
        Sync,
        Nothing,
        Answer,
    }

    public bool IsSettled => want == Want.Nothing;

    public override void Act(ConsumerWorld world, bool isLost)
    {
        switch (want)
        {
            case Want.Answer when !world.Waiting.Contains(Name):
                want = Want.Join; // the coordinator that should have answered is no more
                break;
            case Want.Nothing when !Topics.SequenceEqual(topicsJoined):
            case Want.Join:
                if (!isCooperative)
                    Owned = PartitionSet.Empty;
                (want, topicsJoined) = (Want.Answer, Topics);
                world.Join(Name, MemberId, Subscription(world), Instance);
                break;
            case Want.Sync:
                want = Want.Answer;
                world.Sync(Name, MemberId, generation, Instance, assignments: Assignments(world));
                break;
            case Want.Nothing:
                Check(world.Heartbeat(MemberId, generation, Instance));
                break;
        }
    }

    public override void Leave(ConsumerWorld world)
    {
        if (Instance is null && MemberId.Length > 0)
            world.Leave(MemberId);
        Restart();
    }

    public override void Restart()
    {
        (MemberId, want, Owned, generation) = ("", Want.Join, PartitionSet.Empty, -1);
    }

    public override void Hear(ConsumerWorld world, object answer)
    {
        if (want != Want.Answer)
            return; // of an earlier life
        if (answer is JoinGroupResponse join)
        {
            joined = join;
            if (join.ErrorCode is ErrorCode.None or ErrorCode.MemberIdRequired)
                (MemberId, generation) = (join.MemberId, join.GenerationId);
            want = join.ErrorCode == ErrorCode.None ? Want.Sync : Want.Join;
            Check(join.ErrorCode);
        }
        else if (answer is SyncGroupResponse sync)
        {
            want = Want.Nothing;
            Check(sync.ErrorCode);
            if (sync.ErrorCode != ErrorCode.None)
                return;
            var given = EmbeddedProtocol.ReadAssignment(sync.Assignment, world.Topics)!;
            if (!Owned.IsSubsetOf(given))
                want = Want.Join;
            Owned = given;
        }
    }

    private void Check(ErrorCode error)
    {
        if (error is ErrorCode.None or ErrorCode.MemberIdRequired)
            return;
        if (!isCooperative || error != ErrorCode.RebalanceInProgress)
            Owned = PartitionSet.Empty;
        want = Want.Join;
        if (error is ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId)
            MemberId = "";
    }

    private byte[] Subscription(ConsumerWorld world) => VersionedData.Write(
        new ConsumerProtocolSubscription
        {
            Topics = Topics,
            OwnedPartitions = [.. Owned.Where(partition => world.Topics.TopicName(partition.TopicId) is not null)
                .GroupBy(partition => world.Topics.TopicName(partition.TopicId)!)
                .Select(topic => new ConsumerProtocolSubscription.TopicPartition { Topic = topic.Key, Partitions = [.. topic.Select(p => p.Partition)] })],
        },
        1);

    // What somebody owns stays with it, if it is subscribed still; the others are handed out in turn, each topic's to its readers.
    private Dictionary<string, ReadOnlyMemory<byte>> Assignments(ConsumerWorld world)
    {
        var subscriptions = joined!.Members.ToDictionary(
            member => member.MemberId, member => VersionedData.Read<ConsumerProtocolSubscription>(member.Metadata));
        var builders = subscriptions.ToDictionary(member => member.Key, _ => new PartitionSet.Builder());
        foreach (var topic in world.Topics.Names)
        {
            var readers = subscriptions.Where(member => member.Value.Topics.Contains(topic)).ToArray();
            for (var partition = 0; partition < world.Topics.PartitionCount(topic); partition++)
            {
                var owner = subscriptions.FirstOrDefault(member =>
                    member.Value.OwnedPartitions.Any(owned => owned.Topic == topic && owned.Partitions.Contains(partition))).Key;
                var reader = owner is null && readers.Length > 0 ? readers[partition % readers.Length].Key : owner;
                if (reader is not null && readers.Any(member => member.Key == reader))
                    builders[reader].Add(world.Topics.TopicId(topic), partition);
            }
        }
        return builders.ToDictionary(
            builder => builder.Key,
            builder => (ReadOnlyMemory<byte>)EmbeddedProtocol.WriteAssignment(builder.Value.ToSet(), joined.Members[0].Metadata, world.Topics));
    }
}
