using System.Text;
using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Protocol.Tests.Messages;

/// <summary>Records of the internal logs with what stands before them, against samples that Kafka's own classes wrote.</summary>
public class RecordFamilyTests
{
    private static readonly Uuid Id = new(0x0102030405060708, 0x090A0B0C0D0E0F10);

    [Fact]
    public void Metadata_records_have_a_frame_version_a_type_and_a_version()
    {
        var topic = Assert.IsType<TopicRecord>(MetadataRecords.Read(Vectors.Bytes("record.metadata.topic")));
        Assert.Equal(("foo", Id), (topic.Name, topic.TopicId));
        Assert.Equal(Vectors.Bytes("record.metadata.topic"), MetadataRecords.Write(topic, 0));

        var feature = Assert.IsType<FeatureLevelRecord>(MetadataRecords.Read(Vectors.Bytes("record.metadata.feature")));
        Assert.Equal(("metadata.version", 28), (feature.Name, feature.FeatureLevel));
        Assert.Equal(Vectors.Bytes("record.metadata.feature"), MetadataRecords.Write(feature, 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00" + "02" + "00")] // another frame version
    [InlineData("01" + "7F" + "00")] // another type
    [InlineData("01" + "14" + "07" + "00")] // another version of NoOpRecord
    [InlineData("01" + "14" + "808004" + "00")]
    [InlineData("01" + "14" + "00" + "00" + "00")] // a byte too many
    public void A_metadata_record_that_is_not_known_in_full_is_malformed(string hex) =>
        Assert.Throws<MalformedMessageException>(() => MetadataRecords.Read(Convert.FromHexString(hex)));

    [Fact]
    public void Group_records_have_their_type_in_the_key_and_their_version_in_the_value()
    {
        var key = Assert.IsType<OffsetCommitKey>(GroupRecords.ReadKey(Vectors.Bytes("record.offsetcommit.key")));
        Assert.Equal(("g1", "t1", 3), (key.Group, key.Topic, key.Partition));
        Assert.Equal(Vectors.Bytes("record.offsetcommit.key"), GroupRecords.WriteKey(key));
        for (short version = 1; version <= 4; version++)
        {
            var sample = Vectors.Bytes($"record.offsetcommit.value.v{version}");
            var value = Assert.IsType<OffsetCommitValue>(GroupRecords.ReadValue(key.Type, sample));
            Assert.Equal((99L, "md", 1700000000000L), (value.Offset, value.Metadata, value.CommitTimestamp));
            Assert.Equal(sample, GroupRecords.WriteValue(value, version));
        }
    }

    [Fact]
    public void A_group_record_of_an_unknown_type_is_passed_over()
    {
        Assert.Null(GroupRecords.ReadKey(Convert.FromHexString("0063" + "FFFFFFFF")));
        Assert.Null(GroupRecords.ReadValue(99, Convert.FromHexString("0000" + "FFFFFFFF")));
        Assert.Throws<MalformedMessageException>(() => GroupRecords.ReadKey(ReadOnlyMemory<byte>.Empty));
        Assert.Throws<MalformedMessageException>(() => GroupRecords.ReadValue(1, Convert.FromHexString("0063" + "00")));
    }

    [Fact]
    public void Transaction_records_depend_on_the_transaction_version()
    {
        var key = Assert.IsType<TransactionLogKey>(TransactionRecords.ReadKey(Vectors.Bytes("record.txn.key")));
        Assert.Equal("tx-1", key.TransactionalId);
        Assert.Equal(Vectors.Bytes("record.txn.key"), TransactionRecords.WriteKey(key));
        for (var transactionVersion = 0; transactionVersion <= 2; transactionVersion++)
        {
            var id = $"record.txn.value.tv{transactionVersion}";
            var version = (short)Math.Min(transactionVersion, 1);
            var value = Assert.IsType<TransactionLogValue>(TransactionRecords.ReadValue(key.Type, Vectors.Bytes(id)));
            Assert.Equal((4000L, (short)3, 60000), (value.ProducerId, value.ProducerEpoch, value.TransactionTimeoutMs));
            Assert.Equal("t1", value.TransactionPartitions![0].Topic);
            Assert.Equal(Vectors.Bytes(id), TransactionRecords.WriteValue(value, version));
        }
    }

    [Fact]
    public void Every_type_of_every_family_is_read_as_what_was_written()
    {
        var messages = new RandomMessages(new Random(7));
        foreach (var schema in Schemas.All.Where(schema => schema.Head.Family is not null))
        {
            for (var version = (short)schema.Head.Versions.Low; version <= schema.Head.Versions.High; version++)
            {
                var record = (IRecord)messages.Next(schema, version);
                Assert.Equal(new VersionRange((short)schema.Head.Versions.Low, (short)schema.Head.Versions.High), record.Versions);
                Assert.Contains(record.Type, schema.Head.Types);
                IRecord? again = record switch
                {
                    IMetadataRecord metadata => MetadataRecords.Read(MetadataRecords.Write(metadata, version)),
                    IRemoteLogRecord remote => RemoteLogRecords.Read(RemoteLogRecords.Write(remote, version)),
                    IGroupKey key => GroupRecords.ReadKey(GroupRecords.WriteKey(key)),
                    IGroupValue value => GroupRecords.ReadValue(value.Type, GroupRecords.WriteValue(value, version)),
                    IShareKey key => ShareRecords.ReadKey(ShareRecords.WriteKey(key)),
                    IShareValue value => ShareRecords.ReadValue(value.Type, ShareRecords.WriteValue(value, version)),
                    ITransactionKey key => TransactionRecords.ReadKey(TransactionRecords.WriteKey(key)),
                    ITransactionValue value => TransactionRecords.ReadValue(value.Type, TransactionRecords.WriteValue(value, version)),
                    _ => record, // control records carry their version as a field: below
                };
                Content.AssertEqual(record, again, schema.Name);
            }
        }
    }

    [Fact]
    public void Control_records_say_their_type_in_the_key_and_their_version_in_the_value()
    {
        Assert.Equal("00000005", Convert.ToHexString(ControlRecords.WriteKey(ControlRecordType.KRaftVersion)));
        Assert.Equal(ControlRecordType.KRaftVersion, ControlRecords.ReadKey(Convert.FromHexString("00000005")));
        Assert.Equal(ControlRecordType.Commit, ControlRecords.ReadKey(Convert.FromHexString("00020001FF"))); // a later key is longer
        Assert.Throws<MalformedMessageException>(() => ControlRecords.ReadKey(Convert.FromHexString("FFFF0001")));
        Assert.Throws<MalformedMessageException>(() => ControlRecords.ReadKey(Convert.FromHexString("0000")));

        var marker = Assert.IsType<EndTxnMarker>(ControlRecords.ReadValue(ControlRecordType.Commit, Convert.FromHexString("000000000009")));
        Assert.Equal((1, 9), (marker.Type, marker.CoordinatorEpoch));
        Assert.Equal("000000000009", Convert.ToHexString(ControlRecords.WriteValue(marker)));

        var change = new LeaderChangeMessage { Version = 1, LeaderId = 1, Voters = [new() { VoterId = 1, VoterDirectoryId = Id }] };
        var read = ControlRecords.ReadValue(ControlRecordType.LeaderChange, ControlRecords.WriteValue(change));
        Content.AssertEqual(change, read, "LeaderChangeMessage");
        Assert.Null(ControlRecords.ReadValue((ControlRecordType)7, Convert.FromHexString("000000")));
        Assert.Throws<MalformedMessageException>(() => ControlRecords.ReadValue(ControlRecordType.KRaftVersion, Convert.FromHexString("0009000100")));
    }

    [Fact]
    public void A_producer_snapshot_is_checked_by_its_crc()
    {
        var file = Vectors.Bytes("producer.snapshot");
        var snapshot = ProducerSnapshots.Read(file);
        var entry = Assert.Single(snapshot.ProducerEntries);
        Assert.Equal((4000L, (short)3, 12, 50L, 2), (entry.ProducerId, entry.Epoch, entry.LastSequence, entry.LastOffset, entry.OffsetDelta));
        Assert.Equal((1700000000000L, 9, 48L), (entry.Timestamp, entry.CoordinatorEpoch, entry.CurrentTxnFirstOffset));
        Assert.Equal(file, ProducerSnapshots.Write(snapshot));

        file[^1] ^= 1;
        Assert.Throws<MalformedMessageException>(() => ProducerSnapshots.Read(file));
        Assert.Throws<MalformedMessageException>(() => ProducerSnapshots.Read(file.AsMemory(0, 3)));
    }

    [Theory]
    [InlineData("file.quorum-state.KRAFT_VERSION_0", 0)]
    [InlineData("file.quorum-state.KRAFT_VERSION_1", 1)]
    [InlineData("file.quorum-state.elected.KRAFT_VERSION_0", 0)]
    [InlineData("file.quorum-state.elected.KRAFT_VERSION_1", 1)]
    public void The_quorum_state_is_a_line_of_json(string id, short expectedVersion)
    {
        var text = Vectors.All(id).Single()[3];
        var state = QuorumStates.Read(Encoding.UTF8.GetBytes(text), out var version);
        Assert.Equal(expectedVersion, version);
        Assert.Equal(text, Encoding.UTF8.GetString(QuorumStates.Write(state, version)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"data_version\":2}")]
    [InlineData("{\"data_version\":1,\"leaderId\":\"x\",\"leaderEpoch\":0,\"votedId\":0,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\"}")]
    [InlineData("{\"data_version\":1,\"leaderId\":0,\"leaderEpoch\":99999999999,\"votedId\":0,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\"}")]
    [InlineData("{\"data_version\":1,\"leaderId\":0,\"leaderEpoch\":0,\"votedId\":0,\"votedDirectoryId\":\"A\"}")]
    [InlineData("{\"data_version\":1,\"leaderId\":0,\"leaderEpoch\":0,\"votedId\":0,\"votedDirectoryId\":null}")]
    [InlineData("{\"data_version\":0,\"clusterId\":\"\",\"leaderId\":0,\"leaderEpoch\":0,\"votedId\":0,\"appliedOffset\":0,\"currentVoters\":7}")]
    public void A_file_that_is_not_a_quorum_state_is_malformed(string text) =>
        Assert.Throws<MalformedMessageException>(() => QuorumStates.Read(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Consumers_read_subscriptions_of_later_versions_as_far_as_they_know_them()
    {
        for (short version = 0; version <= 3; version++)
        {
            var sample = Vectors.Bytes($"consumerprotocol.subscription.v{version}");
            var subscription = VersionedData.Read<ConsumerProtocolSubscription>(sample);
            Assert.Equal(["t1", "t2"], subscription.Topics);
            Assert.Equal(version >= 1 ? 1 : 0, subscription.OwnedPartitions.Length);
            Assert.Equal(version >= 2 ? 5 : -1, subscription.GenerationId);
            Assert.Equal(version >= 3 ? "rackA" : null, subscription.RackId);
            Assert.Equal(sample, VersionedData.Write(subscription, version));
            sample = Vectors.Bytes($"consumerprotocol.assignment.v{version}");
            Assert.Equal(2, VersionedData.Read<ConsumerProtocolAssignment>(sample).AssignedPartitions.Length);
        }

        byte[] later = [0, 9, .. Vectors.Bytes("consumerprotocol.subscription.v3").AsSpan(2), 1, 2, 3];
        Assert.Equal("rackA", VersionedData.Read<ConsumerProtocolSubscription>(later).RackId);
        Assert.Throws<MalformedMessageException>(() => VersionedData.Read<ConsumerProtocolSubscription>(new byte[] { 0xFF, 0xFF, 0, 0, 0, 0 }));
    }
}
