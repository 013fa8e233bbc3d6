using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Log;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>A node on directories that Apache Kafka has formatted or used, with levels of features that are not served here.</summary>
public class FormattedDirectoryTests
{
    private const string ZeroSnapshot = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint";

    [Theory]
    [InlineData("bootstrap.checkpoint")] // up to 4.3
    [InlineData(ZeroSnapshot)] // from 4.4 on
    public async Task Formatted_for_a_configured_voter(string file)
    {
        var disk = Formatted("static", file);
        await using var node = await Node.StartAsync(disk, ("controller.quorum.voters", "1@localhost:9093"));
        Assert.Equal("MkU3OEVBNTcwNTJENDM2Qg", node.Server.ClusterId);
        var lowered = FeatureSet.KafkaLevels(29).Where(feature => FeatureSet.Served(feature.Key, feature.Value) < feature.Value)
            .Select(feature => $"{feature.Key} from {feature.Value} to {FeatureSet.Served(feature.Key, feature.Value)}");
        Assert.Equal($"Warning: Features are lowered to what this version serves: {string.Join(", ", lowered)}", Assert.Single(node.Log.Lines));
        Assert.Contains("share.version from 1 to 0", node.Log.Lines[0]);
        await AssertServesWhatItTells(node, []);

        await using var next = await node.RestartAsync();
        Assert.Empty(next.Log.Lines);
        await AssertServesWhatItTells(next, []);
        Assert.Equal(["t"], await next.Connect().TopicNames());
    }

    [Fact]
    public async Task Formatted_as_the_first_of_a_quorum_that_keeps_its_voters_in_the_log()
    {
        var disk = Formatted("standalone", ZeroSnapshot);
        var node = await Node.StartAsync(disk, ("metadata.log.max.snapshot.interval.ms", "1000"));
        await AssertServesWhatItTells(node, ["kraft.version=1"]);
        node.Time.Advance(TimeSpan.FromSeconds(1));
        await node.Server.SnapshotWriting;

        // The next life finds the voters in the log, and those after it in a snapshot; each writes its state as this kraft.version demands.
        foreach (var withoutFormatted in (bool[])[false, true])
        {
            await node.DisposeAsync();
            if (withoutFormatted)
                disk.DeleteFile($"{Node.Root}/{ZeroSnapshot}");
            node = await node.NextAsync();
            await AssertServesWhatItTells(node, ["kraft.version=1"]);
            Assert.EndsWith("\"data_version\":1}", System.Text.Encoding.UTF8.GetString(disk.Contents[$"{Node.MetadataLog}/quorum-state"]));
        }

        var snapshot = SnapshotContent.Read(disk.Contents[$"{Node.MetadataLog}/{node.Snapshots[^1]}"]);
        Assert.Equal(1, snapshot.KRaftVersion);
        Assert.Equal(1, Assert.Single(snapshot.Voters!.Voters).VoterId);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Voters_that_are_others_are_refused()
    {
        var disk = Formatted("standalone", ZeroSnapshot);
        disk.Put($"{Node.Root}/meta.properties", "node.id=1\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\ndirectory.id=ZBe8DS09ygF2UDn6SOzQ5Q\n"u8.ToArray());
        await AssertRefused(disk, "the voter of the quorum is node 1 with its metadata log in directory AQIDBAUGBwgJCgsMDQ4PEA, not in ZBe8DS09ygF2UDn6SOzQ5Q");
    }

    [Fact]
    public async Task A_quorum_of_several_is_refused() => await AssertRefused(
        new MemoryFileSystem(), "a quorum of 2 voters is not supported yet: there must be one", ("controller.quorum.voters", "1@a:1,2@b:1"));

    [Fact]
    public async Task A_node_with_half_a_role_is_refused() => await AssertRefused(
        new MemoryFileSystem(), "process.roles must be broker,controller", ("process.roles", "broker"), ("controller.quorum.voters", "2@b:1"));

    [Fact]
    public async Task A_log_that_was_written_at_higher_levels_goes_on_at_those_that_are_served()
    {
        var disk = WithLog(Bootstrap.Records(29, levels: FeatureSet.KafkaLevels(29)));
        await using var node = await Node.StartAsync(disk);
        Assert.StartsWith("Warning: Features are lowered", Assert.Single(node.Log.Lines));
        await AssertServesWhatItTells(node, []);
        await using var next = await node.RestartAsync();
        Assert.Empty(next.Log.Lines);
    }

    [Fact]
    public async Task A_log_of_a_later_version_is_refused_and_left_as_it_was()
    {
        var disk = WithLog([new FeatureLevelRecord { Name = "metadata.version", FeatureLevel = 33 }]);
        await AssertRefused(disk, "metadata.version is 33, and this build works at 7 to 29");
        var records = MetadataBatches.Read(disk.Contents[$"{Node.MetadataLog}/00000000000000000000.log"]).SelectMany(batch => batch.Records);
        Assert.Single(records);
    }

    [Fact]
    public async Task Brokers_of_another_time_lose_their_leaderships_after_a_session_and_the_own_does_not()
    {
        var (here, there) = (new Uuid(1, 1), new Uuid(2, 2));
        var disk = WithLog(
        [
            .. Bootstrap.Records(),
            new RegisterBrokerRecord
            {
                BrokerId = 2,
                BrokerEpoch = 1,
                IncarnationId = new Uuid(3, 3),
                EndPoints = [new() { Name = "PLAINTEXT", Host = "elsewhere", Port = 9092 }],
                LogDirs = [there],
                Fenced = false,
            },
            new TopicRecord { Name = "shared", TopicId = here },
            new PartitionRecord { TopicId = here, Replicas = [2, 1], Directories = [there, Uuid.UnassignedDirectory], Isr = [2, 1], Leader = 2 },
            new TopicRecord { Name = "theirs", TopicId = there },
            new PartitionRecord { TopicId = there, Replicas = [2], Directories = [there], Isr = [2], Leader = 2 },
        ]);
        await using var node = await Node.StartAsync(disk);
        Assert.Equal(2, Assert.Single((await node.Connect().Describe("theirs")).Partitions).LeaderId);
        var line = node.Log.Line("Broker 2"); // how much time passes meanwhile is open, so nobody stays connected
        while (!line.IsCompleted)
        {
            node.Time.Advance(TimeSpan.FromSeconds(1));
            await node.Connect().Describe("theirs"); // the node keeps up with its clock
        }

        Assert.Equal("Warning: Broker 2 has not been heard of for a session and is fenced", await line);
        Assert.Equal(-1, Assert.Single((await node.Connect().Describe("theirs")).Partitions).LeaderId);
        Assert.Equal(1, Assert.Single((await node.Connect().Describe("shared")).Partitions).LeaderId);

        // A laptop that was closed for an hour.
        node.Time.Advance(TimeSpan.FromHours(1));
        await node.Connect().CreateTopic("t");
        Assert.DoesNotContain(node.Log.Lines, line => line.Contains("Broker 1 "));
    }

    [Fact]
    public async Task Damage_is_told_in_one_line()
    {
        var disk = WithLog([new TopicRecord { Name = "t" }, new TopicRecord { Name = "t" }]);
        await AssertRefused(disk, "the metadata log in /logs cannot be read: a metadata record contradicts those before it");
        disk.Put($"{Node.MetadataLog}/quorum-state", "{}"u8.ToArray());
        await AssertRefused(disk, "the metadata log in /logs cannot be read");
    }

    private static async Task AssertRefused(MemoryFileSystem disk, string why, params (string Name, string Value)[] settings)
    {
        for (var i = 0; i < 2; i++) // nothing is left behind: it is the same the second time
        {
            await using var node = Node.On(disk, settings);
            var refusal = await Assert.ThrowsAsync<BrokerStartException>(node.Server.StartAsync);
            Assert.Contains(why, refusal.Message);
            Assert.DoesNotContain('\n', refusal.Message);
        }
    }

    private static async Task AssertServesWhatItTells(Node node, string[] besides)
    {
        var client = node.Connect();
        var versions = await client.Send(new ApiVersionsRequest { ClientSoftwareName = "tests", ClientSoftwareVersion = "1" });
        Assert.Equal(
            FeatureSet.Supported.Select(feature => $"{feature.Key} {feature.Value.Min}-{feature.Value.Max}"),
            versions.SupportedFeatures.Select(feature => $"{feature.Name} {feature.MinVersion}-{feature.MaxVersion}"));
        var served = FeatureSet.KafkaLevels(29).Select(feature => (feature.Key, Level: FeatureSet.Served(feature.Key, feature.Value)))
            .Where(feature => feature.Level > 0).Select(feature => $"{feature.Key}={feature.Level}");
        Assert.Equal(
            [.. besides, .. served.Append("metadata.version=29").Order(StringComparer.Ordinal)],
            versions.FinalizedFeatures.Select(feature => $"{feature.Name}={feature.MaxVersionLevel}"));
        if (!(await client.TopicNames()).Contains("t"))
            await client.CreateTopic("t");
        await client.ProduceValues(new TestTopic("t", (await client.Describe("t")).TopicId), 0, "a");
    }

    private static MemoryFileSystem Formatted(string formatting, string file)
    {
        var disk = new MemoryFileSystem();
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "vectors", "formatted-dirs.tsv")).Where(line => !line.StartsWith('#')))
        {
            var cells = line.Split('\t');
            if (cells[1] != formatting)
                continue;
            if (cells[2] == "meta.properties")
                disk.Put($"{Node.Root}/meta.properties", System.Text.Encoding.UTF8.GetBytes(cells[4].Replace("\\n", "\n")));
            else
                disk.Put($"{Node.Root}/{file}", Convert.FromHexString(cells[4]));
        }

        Assert.Equal(2, disk.Contents.Count);
        return disk;
    }

    private static MemoryFileSystem WithLog(IReadOnlyList<IMetadataRecord> records)
    {
        var disk = Formatted("static", "bootstrap.checkpoint");
        using var builder = new RecordBatchBuilder();
        disk.Put($"{Node.MetadataLog}/00000000000000000000.log", MetadataBatches.Write(builder, records, 29, baseOffset: 0, epoch: 1, nowMs: 1).ToArray());
        return disk;
    }
}
