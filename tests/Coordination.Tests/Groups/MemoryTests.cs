using Milena.Common;
using Milena.Coordination.Groups;

namespace Milena.Coordination.Tests.Groups;

/// <summary>Runs alone: it looks at the heap of the whole process.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public class MemoryTests
{
    [Fact]
    public void A_hundred_thousand_offsets_take_little_memory()
    {
        const int Groups = 1_000, Partitions = 100;
        var state = GroupsState.Empty;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var group = 0; group < Groups; group++)
        {
            for (var partition = 0; partition < Partitions; partition++)
            {
                var offset = new CommittedOffset(partition, -1, "", 0, -1, Uuid.Zero);
                state = state.Apply(offset.ToRecord(new OffsetKey($"group-{group}", "topic", partition)));
            }
        }
        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.Equal(Groups, state.Offsets.Groups.Count());
        Assert.InRange(taken / (Groups * Partitions), 1, 160);
    }

    [Fact]
    public void Five_thousand_members_take_little_memory()
    {
        const int Members = 5_000;
        var protocols = Enumerable.Range(0, Members).Select(_ => new MemberProtocol("range", GroupWorld.Bytes("subscription"))).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var group = new ClassicGroup("g");
        for (var i = 0; i < Members; i++)
            group = group.With(new ClassicMember($"client-{i}", null, "client", "/127.0.0.1", 60_000, 10_000, [protocols[i]]));
        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.Equal(Members, group.Members.Count);
        Assert.InRange(taken / Members, 1, 450);
    }
}
