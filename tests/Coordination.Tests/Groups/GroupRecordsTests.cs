using System.Runtime.CompilerServices;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Coordination.Tests.Groups;

/// <summary>The records have the bytes that Apache Kafka's have; the vectors were recorded from its classes.</summary>
public class GroupRecordsTests
{
    private const long CommitTimestampMs = 1_700_000_000_000;
    private static readonly OffsetKey Key = new("g1", "t1", 3);
    private static readonly Uuid TopicId = Uuid.Read(Convert.FromHexString("0102030405060708090a0b0c0d0e0f10"));

    [Fact]
    public void An_offset_is_written_in_version_4_with_its_topic_id()
    {
        var record = new CommittedOffset(99, 4, "md", CommitTimestampMs, -1, TopicId).ToRecord(Key);

        Assert.Equal(Recorded("record.offsetcommit.key"), Hex(GroupRecords.WriteKey(record.Key)));
        Assert.Equal(Recorded("record.offsetcommit.value.v4"), Hex(GroupRecords.WriteValue(record.Value!, record.Version)));
    }

    [Fact]
    public void An_offset_with_an_end_of_its_own_is_written_in_version_1()
    {
        var record = new CommittedOffset(99, 4, "md", CommitTimestampMs, 5_000, TopicId).ToRecord(Key);

        Assert.Equal(Recorded("record.offsetcommit.value.v1")[..^16] + "0000000000001388", Hex(GroupRecords.WriteValue(record.Value!, record.Version)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Offsets_of_every_version_are_replayed(int version)
    {
        var value = GroupRecords.ReadValue(1, Convert.FromHexString(Recorded($"record.offsetcommit.value.v{version}")));
        var state = GroupsState.Empty.Apply(new GroupRecord(new OffsetCommitKey { Group = "g1", Topic = "t1", Partition = 3 }, value, 0));

        var offset = state.Offsets.Find(Key)!;

        Assert.Equal((99, "md", CommitTimestampMs), (offset.Offset, offset.Metadata, offset.CommitTimestampMs));
        Assert.Equal(version >= 3 ? 4 : -1, offset.LeaderEpoch);
        Assert.Equal(version >= 4 ? TopicId : Uuid.Zero, offset.TopicId);
        Assert.True(state.Find("g1")!.IsEmpty);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Groups_of_every_version_are_replayed(int version)
    {
        var bytes = Convert.FromHexString($"{version:x4}{Schema("GroupMetadataValue", version)}");
        var group = new ClassicGroup("grou1").Apply((GroupMetadataValue)GroupRecords.ReadValue(2, bytes)!);

        Assert.Equal(ClassicGroupState.Stable, group.State);
        Assert.Equal((100_002, "prot1", "prot3", "lead4"), (group.Generation, group.ProtocolType, group.Protocol, group.Leader));
        var member = Assert.Single(group.Members.Values);
        Assert.Equal(version >= 3, member.IsStatic);
        Assert.Equal(version == 0, member.RebalanceTimeoutMs == member.SessionTimeoutMs);
        Assert.Equal(version >= 2 ? 5_000_000_005 : -1, group.StateTimestampMs);
        Assert.NotEmpty(member.MetadataOf("prot3").ToArray());
        Assert.NotEmpty(member.Assignment.ToArray());
    }

    [Fact]
    public void A_group_that_was_replayed_is_written_with_the_bytes_it_had()
    {
        var bytes = $"0003{Schema("GroupMetadataValue", 3)}";
        var group = new ClassicGroup("grou1").Apply((GroupMetadataValue)GroupRecords.ReadValue(2, Convert.FromHexString(bytes))!);

        var record = GroupRecord.Of(group.Id, group.ToValue(group.Members.ToDictionary(entry => entry.Key, entry => entry.Value.Assignment)));

        Assert.Equal("0002" + Schema("GroupMetadataKey", 0), Hex(GroupRecords.WriteKey(record.Key)));
        Assert.Equal(bytes, Hex(GroupRecords.WriteValue(record.Value!, record.Version)));
    }

    [Fact]
    public void The_record_of_a_new_group_says_nothing_but_that_it_is_there()
    {
        var record = GroupRecord.Of("g", new ClassicGroup("g").ToEmptyValue(0, CommitTimestampMs));

        Assert.Equal(
            "0003" + "0000" + "00000000" + "ffff" + "ffff" + "0000018bcfe56800" + "00000000",
            Hex(GroupRecords.WriteValue(record.Value!, record.Version)));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Zstd)]
    public async Task A_batch_of_records_is_read_as_it_was_written(CompressionCodec codec)
    {
        var log = new InMemoryLog();
        var records = new GroupRecordLog(log, TimeProvider.System, new GroupConfig { OffsetsTopicCompression = codec }, new GroupCounters());
        records.Append([new CommittedOffset(1, 2, "m", 3, -1, TopicId).ToRecord(Key), GroupRecord.GroupTombstone("g2")]);
        records.Append([Key.Tombstone()]);

        var events = new List<GroupEvent>();
        await foreach (var piece in GroupRecordLog.Replay(log.Read(log.EndOffset)))
            events.AddRange(piece);

        Assert.Equal(3, log.EndOffset);
        var read = events.Cast<GroupRecord>().ToArray();
        Assert.Equal(["OffsetCommitKey", "GroupMetadataKey", "OffsetCommitKey"], read.Select(record => record.Key.GetType().Name));
        Assert.Equal([false, true, true], read.Select(record => record.Value is null));
    }

    [Fact]
    public async Task Transactional_batches_and_markers_are_replayed_and_unknown_records_passed_over()
    {
        var log = new InMemoryLog();
        using var builder = new RecordBatchBuilder();
        var offset = new CommittedOffset(1, 2, "m", 3, -1, TopicId).ToRecord(Key);
        builder.Begin(RecordBatchOptions.Default with { ProducerId = 7, ProducerEpoch = 0, BaseSequence = 0, IsTransactional = true });
        builder.Append(0, GroupRecords.WriteKey(offset.Key), GroupRecords.WriteValue(offset.Value!, offset.Version));
        log.Append(builder.Build());
        ControlRecordBatch.WriteMarker(builder, commit: true, producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, timestampMs: 0);
        log.Append(builder.Build());
        builder.Begin(RecordBatchOptions.Default);
        builder.Append(0, new byte[] { 0x7f, 0x00, 1, 2, 3 }, new byte[] { 0, 0 });
        var shareGroup = new ShareGroupMetadataKey { GroupId = "new" };
        builder.Append(0, GroupRecords.WriteKey(shareGroup), GroupRecords.WriteValue(new ShareGroupMetadataValue { Epoch = 1 }, 0));
        log.Append(builder.Build());

        var events = new List<GroupEvent>();
        await foreach (var piece in GroupRecordLog.Replay(log.Read(log.EndOffset)))
            events.AddRange(piece);

        Assert.Equal(3, events.Count);
        Assert.Equal(7, ((GroupRecord)events[0]).ProducerId);
        Assert.Equal(new TransactionEnded(7, IsCommit: true, ProducerEpoch: 0, CoordinatorEpoch: 1), events[1]);
        var state = GroupsState.Apply(GroupsState.Empty, events);
        Assert.Equal(1, state.Offsets.Find(Key)!.Offset);
        Assert.Equal(["g1"], state.Groups.Keys);
    }

    private static string Recorded(string name) => Lines("group-records.tsv").Single(columns => columns[0] == name)[3];

    private static string Schema(string message, int version) =>
        Lines("group-record-schemas.tsv").Single(columns => columns[1] == message && columns[4] == $"{version}" && columns[5] == "full")[6];

    private static IEnumerable<string[]> Lines(string file, [CallerFilePath] string thisFile = "") =>
        File.ReadLines(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "vectors", file)).Select(line => line.Split('\t'));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
