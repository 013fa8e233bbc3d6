using System.Runtime.CompilerServices;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>What consumer groups write is what Apache Kafka writes, and what has been written comes back in any order.</summary>
public class ConsumerRecordTests
{
    [Theory]
    [InlineData("ConsumerGroupMetadata")]
    [InlineData("ConsumerGroupMemberMetadata")]
    [InlineData("ConsumerGroupTargetAssignmentMetadata")]
    [InlineData("ConsumerGroupTargetAssignmentMember")]
    [InlineData("ConsumerGroupCurrentMemberAssignment")]
    [InlineData("ConsumerGroupRegularExpression")]
    [InlineData("ConsumerGroupPartitionMetadata")]
    public void Recorded_records_are_replayed_and_their_tombstones_take_them_back(string name)
    {
        var key = GroupRecords.ReadKey(Recorded(name + "Key"))!;
        var value = GroupRecords.ReadValue(key.Type, Recorded(name + "Value"))!;
        var state = GroupsState.Empty.Apply(new GroupRecord(key, value, 0));
        var group = (ConsumerGroup)state.Find("grou1")!;
        switch (name)
        {
            case "ConsumerGroupMetadata":
                Assert.Equal((100_001, 5_000_000_002), (group.Generation, group.MetadataHash));
                Assert.Empty(state.Apply(GroupRecord.Tombstone(key)).Groups);
                return;
            case "ConsumerGroupMemberMetadata":
                var member = group.Find("memb2")!;
                Assert.Equal(("inst1", "rack2", "clie3", "clie4", "subs7", 100_008, "serv9"), (
                    member.InstanceId, member.RackId, member.ClientId, member.ClientHost, member.TopicRegex, member.RebalanceTimeoutMs, member.Assignor));
                Assert.Equal(["subs5", "subs6"], member.TopicNames);
                Assert.Equal((100_010, "name11"), (member.Classic!.SessionTimeoutMs, member.Classic.Protocols[0].Name));
                Assert.Same(member, group.FindStatic("inst1"));
                AssertWrittenAs(name, ConsumerRecords.Description("grou1", member));
                break;
            case "ConsumerGroupTargetAssignmentMetadata":
                Assert.Equal(100_001, group.TargetEpoch);
                break;
            case "ConsumerGroupTargetAssignmentMember":
                Assert.Equal([100_002, 100_003], group.TargetOf("memb2").Select(partition => partition.Partition));
                AssertWrittenAs(name, ConsumerRecords.Target("grou1", "memb2", group.TargetOf("memb2")));
                break;
            case "ConsumerGroupCurrentMemberAssignment":
                var placed = group.Find("memb2")!;
                Assert.Equal((100_001, 100_002), (placed.Epoch, placed.PreviousEpoch));
                Assert.Equal([100_005, 100_006], placed.Assigned.Select(partition => partition.Partition));
                Assert.Equal([100_007, 100_008], placed.Assigned.Select(partition => placed.AssignedAt[partition]));
                Assert.Equal([100_010, 100_011], placed.PendingRevocation.Select(partition => partition.Partition));
                Assert.Equal(4, group.Owners.Count);
                break;
            case "ConsumerGroupRegularExpression":
                Assert.Equal(["topi1", "topi2"], group.Regexes["regu2"].Topics);
                break;
            case "ConsumerGroupPartitionMetadata":
                Assert.Contains(group.ToTombstones(), tombstone => tombstone.Key is ConsumerGroupPartitionMetadataKey);
                break;
        }
        var without = (ConsumerGroup)state.Apply(GroupRecord.Tombstone(key)).Find("grou1")!;
        Assert.Empty(without.Targets);
        Assert.Empty(without.Owners);
        Assert.Empty(without.Regexes);
        Assert.Empty(without.Instances);
        Assert.Equal((0, false), (without.TargetEpoch, without.HasPartitionMetadata));
    }

    [Fact]
    public void A_group_is_the_same_after_compaction_and_after_a_conversion()
    {
        var world = new ConsumerWorld();
        world.Topics.Set("t", 4);
        world.Enter("a", regex: "t");
        world.Enter("b", instance: "i1");
        var epoch = world.Beat("a", 1).MemberEpoch;
        world.Beat("a", epoch, owned: PartitionSet.Empty);
        world.Beat("b", 2, topics: ["t", "u"]);
        world.Enter("c");
        world.Beat("c", -1);

        var compacted = (ConsumerGroup)ConsumerWorld.Compacted(world.TakeRecords()).Find(ConsumerWorld.GroupId)!;
        ConsumerWorld.AssertSameDurablePart(world.Consumers, compacted);
        var converted = world.Consumers.ToTombstones().Aggregate(world.State, (state, record) => state.Apply(record));
        Assert.Empty(converted.Groups);
    }

    [Fact]
    public void Tombstones_of_a_consumer_group_do_not_concern_the_classic_group_that_it_has_become()
    {
        var classic = GroupsState.Empty.Apply(GroupRecord.Of("g", new GroupMetadataValue { ProtocolType = "consumer", Generation = 5 }));
        Assert.Same(classic.Find("g"), new ConsumerGroup("g").ToTombstones().Aggregate(classic, (state, record) => state.Apply(record)).Find("g"));
    }

    private static void AssertWrittenAs(string name, GroupRecord record)
    {
        Assert.Equal(Recorded(name + "Key"), GroupRecords.WriteKey(record.Key));
        Assert.Equal(Recorded(name + "Value"), GroupRecords.WriteValue(record.Value!, record.Version));
    }

    // A key and a value begin with their type and their version, which the vectors leave out.
    private static byte[] Recorded(string message, [CallerFilePath] string thisFile = "")
    {
        var row = File.ReadLines(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "vectors", "consumer-records.tsv"))
            .Select(line => line.Split('\t')).Single(columns => columns[1] == message);
        var prefix = message.EndsWith("Key", StringComparison.Ordinal) ? short.Parse(row[3]) : (short)0;
        return [(byte)(prefix >> 8), (byte)prefix, .. Convert.FromHexString(row[6])];
    }
}
