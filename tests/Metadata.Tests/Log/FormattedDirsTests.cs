using System.Buffers;
using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Log;

/// <summary>What Apache Kafka's format command wrote is read, and written again to the same bytes.</summary>
public class FormattedDirsTests
{
    public static TheoryData<string, byte[]> Checkpoints =>
        [.. Vectors.Read("formatted-dirs.tsv")
            .Where(cells => cells[2].EndsWith(".checkpoint", StringComparison.Ordinal))
            .Select(cells => (cells[1], Convert.FromHexString(cells[4])))];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void A_checkpoint_is_written_again_to_the_same_bytes(string formatting, byte[] bytes)
    {
        var content = SnapshotContent.Read(bytes);
        var batches = MetadataBatches.Read(bytes);
        Assert.Equal(formatting == "standalone", content.KRaftVersion == 1);

        var output = new ArrayBufferWriter<byte>();
        using var writer = new SnapshotWriter(output, epoch: 0);
        writer.Begin(content.LastContainedLogTimestampMs, content.Voters, batches[0].TimestampMs);
        writer.Append(content.Records, metadataVersion: 29, batches[1].TimestampMs);
        writer.End(batches[2].TimestampMs);
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(output.WrittenSpan));
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void A_new_cluster_begins_with_the_records_that_Kafka_begins_with(string formatting, byte[] bytes)
    {
        var recorded = SnapshotContent.Read(bytes);
        var credentials = recorded.Records.OfType<UserScramCredentialRecord>();
        Assert.Equal(formatting == "static", credentials.Any());

        var records = Bootstrap.Records(29, credentials, FeatureSet.KafkaLevels(29));
        Assert.Equal(recorded.Records.Select(Text), records.Select(Text));

        static string Text(IMetadataRecord record) => Convert.ToHexString(MetadataRecords.Write(record, 0));
    }

    [Fact]
    public void Up_to_4_3_the_records_and_the_voters_go_into_two_files()
    {
        var voters = new VotersRecord { Voters = [new VotersRecord.Voter { VoterId = 1, VoterDirectoryId = new Uuid(1, 2) }] };
        var files = Bootstrap.Files(FormatLayout.BootstrapFile, Kafka(29), voters, nowMs: 1000);

        Assert.Equal(["bootstrap.checkpoint", "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"], files.Select(file => file.Path));
        var bootstrap = SnapshotContent.Read(files[0].Bytes);
        Assert.Null(bootstrap.Voters);
        Assert.Equal(6, bootstrap.Records.Count);
        var snapshot = SnapshotContent.Read(files[1].Bytes);
        Assert.Equal(1, snapshot.KRaftVersion);
        Assert.Equal(1, Assert.Single(snapshot.Voters!.Voters).VoterId);
        Assert.Empty(snapshot.Records);
        Assert.Single(Bootstrap.Files(FormatLayout.BootstrapFile, Bootstrap.Records(), voters: null, nowMs: 1000));
        Assert.Single(Bootstrap.Files(FormatLayout.ZeroSnapshot, Bootstrap.Records(), voters, nowMs: 1000));
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void A_checkpoint_that_is_cut_or_damaged_is_refused(string formatting, byte[] bytes)
    {
        Assert.NotEmpty(formatting);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<MalformedMessageException>(() => SnapshotContent.Read(bytes.AsMemory(0, length)));
        var damaged = bytes.ToArray();
        damaged[bytes.Length / 2] ^= 1;
        Assert.Throws<MalformedMessageException>(() => SnapshotContent.Read(damaged));
        Assert.Throws<MalformedMessageException>(() => SnapshotContent.Read(bytes.Concat(bytes).ToArray()));
    }

    [Fact]
    public void With_eligible_leaders_the_minimum_of_replicas_moves_into_the_log_once()
    {
        var image = MetadataImage.Empty.Apply(Kafka(29));
        var records = Bootstrap.ElrSafetyRecords(image, minInsyncReplicas: 2);
        var config = Assert.IsType<ConfigRecord>(Assert.Single(records));
        Assert.Equal((4, "", "min.insync.replicas", "2"), (config.ResourceType, config.ResourceName, config.Name, config.Value));
        Assert.Empty(Bootstrap.ElrSafetyRecords(image.Apply(records), minInsyncReplicas: 2));
        Assert.Empty(Bootstrap.ElrSafetyRecords(MetadataImage.Empty.Apply(Kafka(25)), minInsyncReplicas: 2));
    }

    [Theory]
    [InlineData(7, "")]
    [InlineData(22, "group.version=1")]
    [InlineData(24, "group.version=1 transaction.version=2")]
    [InlineData(26, "eligible.leader.replicas.version=1 group.version=1 transaction.version=2")]
    [InlineData(28, "eligible.leader.replicas.version=1 group.version=1 share.version=1 transaction.version=2")]
    public void Older_levels_begin_with_fewer_features(short metadataVersion, string features) => Assert.Equal(
        features,
        string.Join(' ', Kafka(metadataVersion).Cast<FeatureLevelRecord>().Skip(1).Select(record => $"{record.Name}={record.FeatureLevel}")));

    [Fact]
    public void A_cluster_of_ours_begins_with_what_works()
    {
        var levels = Bootstrap.Records().OfType<FeatureLevelRecord>().Select(record => $"{record.Name}={record.FeatureLevel}").ToArray();
        Assert.Equal(["metadata.version=29", .. FeatureSet.InitialLevels(29).Select(feature => $"{feature.Key}={feature.Value}")], levels);
        Assert.Contains("transaction.version=2", levels);
    }

    private static IReadOnlyList<IMetadataRecord> Kafka(short metadataVersion) =>
        Bootstrap.Records(metadataVersion, levels: FeatureSet.KafkaLevels(metadataVersion));
}
