using System.Collections.Immutable;
using FsCheck.Xunit;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>
/// A crowd of careless clients: they join, sync, leave, go silent, come back, mix up ids and generations, at random. What must hold
/// after every event is checked by <see cref="GroupWorld"/>; here is what must hold of the whole.
/// </summary>
public class RandomEventsTests
{
    private const int Steps = 150;

    private static readonly ImmutableArray<MemberProtocol>[] ProtocolLists =
    [
        [new("range", GroupWorld.Bytes("r1"))],
        [new("range", GroupWorld.Bytes("r2")), new("sticky", GroupWorld.Bytes("s2"))],
        [new("sticky", GroupWorld.Bytes("s3")), new("range", GroupWorld.Bytes("r3"))],
    ];

    [Property(MaxTest = 150)]
    public void Nothing_that_clients_do_breaks_a_group(int seed)
    {
        var random = new Random(seed);
        var world = new GroupWorld { Config = new GroupConfig { MaxSize = random.Next(3, 8) } };
        var clients = Enumerable.Range(0, 6).Select(i => new Client($"c{i}", i < 2 ? $"i{i}" : null)).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            Act(world, random, clients[random.Next(clients.Length)], clients);
            foreach (var (name, answer) in world.TakeAnswers())
            {
                var client = clients.Single(client => client.Name == name);
                if (answer is JoinGroupResponse { ErrorCode: ErrorCode.None or ErrorCode.MemberIdRequired } join)
                    (client.MemberId, client.Generation) = (join.MemberId, join.GenerationId);
                AssertPlausible(answer);
            }
        }

        // Left alone, every call is answered and every session ends.
        world.Advance(60 * 60_000);
        Assert.Empty(world.Waiting);
        if (world.Group is { } group)
            Assert.True(group.IsEmpty);
    }

    [Property(MaxTest = 100)]
    public void A_group_of_members_that_do_as_they_should_becomes_stable(int seed)
    {
        var random = new Random(seed);
        var world = new GroupWorld();
        var clients = Enumerable.Range(0, 5).Select(i => new Client($"c{i}", i == 0 ? "i0" : null)).ToArray();
        for (var step = 0; step < Steps; step++)
            Act(world, random, clients[random.Next(clients.Length)], clients);
        world.TakeAnswers();
        world.Advance(30 * 60_000);
        world.TakeAnswers();

        foreach (var client in clients)
            (client.MemberId, client.Wants) = ("", Want.Join);
        for (var round = 0; round < 100 && !(world.Group is { State: ClassicGroupState.Stable } && clients.All(client => client.Wants == Want.Nothing)); round++)
        {
            foreach (var client in clients)
                client.Behave(world);
            world.Advance(1_000);
            foreach (var (name, answer) in world.TakeAnswers())
                clients.Single(client => client.Name == name).Hear(answer);
        }

        Assert.Equal(ClassicGroupState.Stable, world.Group!.State);
        Assert.Equal(clients.Select(client => client.MemberId).Order(StringComparer.Ordinal), world.Group.Members.Keys);
        Assert.All(world.Group.Members.Values, member => Assert.Equal($"for {member.Id}", System.Text.Encoding.UTF8.GetString(member.Assignment.Span)));
    }

    private static void Act(GroupWorld world, Random random, Client client, Client[] all)
    {
        var generation = random.Next(10) == 0 ? random.Next(5) : client.Generation;
        var memberId = random.Next(10) switch
        {
            0 => "",
            1 => all[random.Next(all.Length)].MemberId,
            _ => client.MemberId,
        };
        switch (random.Next(12))
        {
            case < 4:
                world.Join(
                    client.Name, memberId, client.Instance, ProtocolLists[random.Next(random.Next(3) == 0 ? 3 : 1)],
                    version: (short)random.Next(10), sessionMs: 10_000, rebalanceMs: random.Next(5_000, 30_000));
                break;
            case < 7:
                world.Sync(client.Name, memberId, generation, client.Instance, assignments: world.Group?.Members.Keys.ToDictionary(
                    id => id, id => (ReadOnlyMemory<byte>)GroupWorld.Bytes($"for {id}")));
                break;
            case 7:
                world.Heartbeat(memberId, generation, client.Instance);
                break;
            case 8:
                world.Leave(new LeaveGroupRequest.MemberIdentity { MemberId = memberId, GroupInstanceId = client.Instance });
                break;
            case 9 when random.Next(10) == 0:
                world.Failover();
                break;
            default:
                world.Advance(random.Next(4_000));
                break;
        }
    }

    private static void AssertPlausible(object answer)
    {
        if (answer is not JoinGroupResponse { ErrorCode: ErrorCode.None } join)
            return;
        Assert.True(join.GenerationId > 0);
        Assert.NotNull(join.ProtocolName);
        if (join.Members.Length > 0)
        {
            Assert.Equal(join.MemberId, join.Leader);
            Assert.Contains(join.Members, member => member.MemberId == join.MemberId);
        }
    }

    private enum Want
    {
        Join,
        Sync,
        Nothing,
        Answer,
    }

    private sealed class Client(string name, string? instance)
    {
        private JoinGroupResponse? joined;

        public string Name => name;

        public string? Instance => instance;

        public string MemberId { get; set; } = "";

        public int Generation { get; set; } = -1;

        public Want Wants { get; set; }

        public void Behave(GroupWorld world)
        {
            switch (Wants)
            {
                case Want.Join:
                    Wants = Want.Answer;
                    world.Join(Name, MemberId, Instance);
                    break;
                case Want.Sync:
                    Wants = Want.Answer;
                    world.Sync(Name, MemberId, Generation, Instance, assignments: joined!.Members.ToDictionary(
                        member => member.MemberId, member => (ReadOnlyMemory<byte>)GroupWorld.Bytes($"for {member.MemberId}")));
                    break;
                case Want.Nothing when world.Heartbeat(MemberId, Generation, Instance) != ErrorCode.None:
                    Wants = Want.Join;
                    break;
            }
        }

        public void Hear(object answer)
        {
            if (answer is JoinGroupResponse join)
            {
                joined = join;
                if (join.ErrorCode is ErrorCode.None or ErrorCode.MemberIdRequired)
                    (MemberId, Generation) = (join.MemberId, join.GenerationId);
                else if (join.ErrorCode == ErrorCode.UnknownMemberId)
                    MemberId = "";
                Wants = join.ErrorCode == ErrorCode.None ? Want.Sync : Want.Join;
            }
            else
                Wants = ((SyncGroupResponse)answer).ErrorCode == ErrorCode.None ? Want.Nothing : Want.Join;
        }
    }
}
