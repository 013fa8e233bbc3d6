using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>What administrators do, through Confluent.Kafka's admin client.</summary>
public class AdminTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private readonly BrokerProcess broker = fixture.Broker;

    [Fact]
    public async Task The_cluster_is_one_broker_that_is_its_controller()
    {
        using var admin = broker.Admin();
        var cluster = await admin.DescribeClusterAsync();
        var node = Assert.Single(cluster.Nodes);
        Assert.Equal((node.Id, "127.0.0.1", broker.Port), (cluster.Controller.Id, node.Host, node.Port));
        Assert.Equal(22, cluster.ClusterId.Length);
    }

    [Fact]
    public async Task A_topic_is_created_grows_and_is_deleted()
    {
        const string topic = "grows";
        using var admin = broker.Admin();
        await broker.CreateTopics(partitions: 2, topic);
        Assert.Equal(2, admin.GetMetadata(topic, Deadline.Default).Topics.Single().Partitions.Count);

        await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = topic, IncreaseTo = 5 }]);
        var partitions = admin.GetMetadata(topic, Deadline.Default).Topics.Single().Partitions;
        Assert.Equal([0, 1, 2, 3, 4], partitions.Select(partition => partition.PartitionId).Order());
        Assert.All(partitions, partition => Assert.Equal(Confluent.Kafka.ErrorCode.NoError, partition.Error.Code));

        await admin.DeleteTopicsAsync([topic]);
        Assert.DoesNotContain(admin.GetMetadata(Deadline.Default).Topics, found => found.Topic == topic);
    }

    [Theory]
    [InlineData("taken", 1, (short)1, Confluent.Kafka.ErrorCode.TopicAlreadyExists)]
    [InlineData("..", 1, (short)1, Confluent.Kafka.ErrorCode.TopicException)]
    [InlineData("with space", 1, (short)1, Confluent.Kafka.ErrorCode.TopicException)]
    [InlineData("replicated", 1, (short)3, Confluent.Kafka.ErrorCode.InvalidReplicationFactor)]
    public async Task A_topic_that_cannot_be_is_refused_with_the_protocols_error(
        string topic, int partitions, short replicas, Confluent.Kafka.ErrorCode error)
    {
        using var admin = broker.Admin();
        if (topic == "taken")
            await broker.CreateTopics(1, topic);
        var refused = await Assert.ThrowsAsync<CreateTopicsException>(() => admin.CreateTopicsAsync(
            [new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = replicas }]));
        Assert.Equal(error, Assert.Single(refused.Results).Error.Code);
    }

    [Fact]
    public async Task A_name_of_250_letters_is_one_too_many()
    {
        using var admin = broker.Admin();
        await broker.CreateTopics(1, new string('x', 249));
        var refused = await Assert.ThrowsAsync<CreateTopicsException>(() => broker.CreateTopics(1, new string('x', 250)));
        Assert.Equal(Confluent.Kafka.ErrorCode.TopicException, Assert.Single(refused.Results).Error.Code);
    }

    [Fact]
    public async Task Configurations_of_a_topic_are_set_changed_and_told()
    {
        const string topic = "configured";
        var resource = new ConfigResource { Type = ResourceType.Topic, Name = topic };
        using var admin = broker.Admin();
        await admin.CreateTopicsAsync([new TopicSpecification
        {
            Name = topic,
            NumPartitions = 1,
            ReplicationFactor = 1,
            Configs = new Dictionary<string, string> { ["retention.ms"] = "60000" },
        }]);
        Assert.Equal("60000", await Told("retention.ms"));
        Assert.Equal("delete", await Told("cleanup.policy"));

        await admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
        {
            [resource] =
            [
                new ConfigEntry { Name = "cleanup.policy", Value = "compact", IncrementalOperation = AlterConfigOpType.Append },
                new ConfigEntry { Name = "retention.ms", IncrementalOperation = AlterConfigOpType.Delete },
                new ConfigEntry { Name = "segment.bytes", Value = "1048576", IncrementalOperation = AlterConfigOpType.Set },
            ],
        });
        Assert.Equal("delete,compact", await Told("cleanup.policy"));
        Assert.Equal("1209600000", await Told("retention.ms")); // two weeks
        Assert.Equal("1048576", await Told("segment.bytes"));

        await Assert.ThrowsAsync<IncrementalAlterConfigsException>(() => admin.IncrementalAlterConfigsAsync(
            new Dictionary<ConfigResource, List<ConfigEntry>>
            {
                [resource] = [new ConfigEntry { Name = "segment.bytes", Value = "few", IncrementalOperation = AlterConfigOpType.Set }],
            }));

        async Task<string> Told(string name) => (await admin.DescribeConfigsAsync([resource])).Single().Entries[name].Value;
    }

    [Fact]
    public async Task An_election_that_is_not_needed_is_told_so()
    {
        const string topic = "elected";
        await broker.CreateTopics(partitions: 1, topic);
        using var admin = broker.Admin();
        foreach (var type in new[] { ElectionType.Preferred, ElectionType.Unclean })
        {
            var refused = await Assert.ThrowsAsync<ElectLeadersException>(
                () => admin.ElectLeadersAsync(type, [new TopicPartition(topic, 0), new TopicPartition("nobody", 0)]));
            var results = refused.Results.TopicPartitions.ToDictionary(one => one.Topic, one => one.Error.Code);
            Assert.Equal(Confluent.Kafka.ErrorCode.ElectionNotNeeded, results[topic]);
            Assert.Equal(Confluent.Kafka.ErrorCode.UnknownTopicOrPart, results["nobody"]);
        }
    }

    [Fact]
    public async Task What_is_set_for_a_broker_reaches_a_topic_that_is_there()
    {
        const string topic = "follows";
        await broker.CreateTopics(partitions: 1, topic);
        using var admin = broker.Admin();
        var node = new ConfigResource { Type = ResourceType.Broker, Name = $"{(await admin.DescribeClusterAsync()).Nodes.Single().Id}" };
        await Alter(new ConfigEntry { Name = "log.retention.ms", Value = "8000000" });
        Assert.Equal("8000000", await Told());
        await Alter(new ConfigEntry { Name = "log.retention.ms", IncrementalOperation = AlterConfigOpType.Delete });
        Assert.Equal("1209600000", await Told()); // two weeks
        await Assert.ThrowsAsync<IncrementalAlterConfigsException>(() => Alter(new ConfigEntry { Name = "log.dirs", Value = "/elsewhere" }));

        Task Alter(ConfigEntry entry) => admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>> { [node] = [entry] });
        async Task<string> Told() =>
            (await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = topic }])).Single().Entries["retention.ms"].Value;
    }

    [Fact]
    public async Task What_has_no_call_of_its_own_is_asked_by_its_request()
    {
        Packages.MustBeThere(Path.Combine(Repository.Drivers, "node_modules", "@platformatic", "kafka", "package.json"));
        var (first, second) = (Directory.CreateTempSubdirectory("milena-").FullName, Directory.CreateTempSubdirectory("milena-").FullName);
        try
        {
            await using var two = await BrokerProcess.Start(("log.dirs", $"{first},{second}"));
            await two.CreateTopics(partitions: 1, "moves"); // lies in the first
            var flights = Flights.Some(50, keyed: true);
            await AllClients.Dotnet.Produce(two.Bootstrap, "moves", flights);
            var (exitCode, output, errors) = await ChildProcess.Run("node", ["administration.mjs", two.Bootstrap, "1", "moves", second]);
            Assert.True(exitCode == 0, $"{output}\n{errors}");
            Assert.Equal(
                [
                    "quorum 1 1 0", "reassigned none", "elsewhere INVALID_REPLICA_ASSIGNMENT", "under way 0", "feature none",
                    "no feature INVALID_UPDATE_VERSION", "unregistered BROKER_ID_NOT_REGISTERED",
                    "retention 7000000 3",
                    "levels Milena.Broker.BrokerServer=DEBUG root=INFO", "moved none", "nowhere LOG_DIR_NOT_FOUND", $"is in {second}",
                ],
                output.Trim().Split('\n'));
            Assert.True(Directory.Exists(Path.Combine(second, "moves-0")));
            Verify.IsWhatWasSent(flights, await AllClients.Dotnet.Read(two.Bootstrap, ["moves"], flights.Count));
        }
        finally
        {
            Directory.Delete(first, recursive: true);
            Directory.Delete(second, recursive: true);
        }
    }

    [Fact]
    public async Task The_configurations_of_the_broker_are_told()
    {
        using var admin = broker.Admin();
        var node = (await admin.DescribeClusterAsync()).Nodes.Single().Id;
        var told = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Broker, Name = $"{node}" }]);
        Assert.Equal("336", told.Single().Entries["log.retention.hours"].Value);
    }

    [Fact]
    public async Task Groups_are_listed_described_rewound_and_deleted()
    {
        const string topic = "grouped";
        const string group = "a group";
        await broker.CreateTopics(partitions: 1, topic);
        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, Flights.Some(10, keyed: true));
        using var admin = broker.Admin();
        var partition = new TopicPartition(topic, 0);

        await using (var member = AllClients.Dotnet.Consume(broker.Bootstrap, [topic], group))
        {
            await member.HasRead(10);
            var described = (await admin.DescribeConsumerGroupsAsync([group])).ConsumerGroupDescriptions.Single();
            Assert.Equal(ConsumerGroupState.Stable, described.State);
            Assert.Equal([partition], Assert.Single(described.Members).Assignment.TopicPartitions);
            Assert.Contains((await admin.ListConsumerGroupsAsync()).Valid, found => found.GroupId == group);
            await member.Stop();
        }

        Assert.Equal(10, await Committed());
        await admin.AlterConsumerGroupOffsetsAsync([new(group, [new TopicPartitionOffset(partition, 4)])]);
        Assert.Equal(4, await Committed());
        var again = await AllClients.Dotnet.Read(broker.Bootstrap, [topic], countEach: 6, group);
        Assert.Equal([4, 5, 6, 7, 8, 9], again.Select(record => record.Offset));

        await admin.DeleteConsumerGroupOffsetsAsync(group, [partition]);
        Assert.Equal(Offset.Unset.Value, await Committed());
        await admin.DeleteGroupsAsync([group]);
        Assert.DoesNotContain((await admin.ListConsumerGroupsAsync()).Valid, found => found.GroupId == group);

        async Task<long> Committed() =>
            (await admin.ListConsumerGroupOffsetsAsync([new(group, [partition])])).Single().Partitions.Single().Offset.Value;
    }

    [Fact]
    public async Task Records_are_deleted_up_to_an_offset()
    {
        const string topic = "shortened";
        await broker.CreateTopics(partitions: 1, topic);
        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, Flights.Some(10, keyed: false));
        using var admin = broker.Admin();

        await admin.DeleteRecordsAsync([new TopicPartitionOffset(topic, 0, 7)]);

        Assert.Equal(3, broker.CountRecords(topic)[0]);
        var left = await AllClients.Kcat.Read(broker.Bootstrap, [topic], countEach: 3);
        Assert.Equal([7, 8, 9], left.Select(record => record.Offset));
    }

    [Fact]
    public async Task Offsets_are_found_by_time()
    {
        const string topic = "timed";
        var start = DateTimeOffset.UtcNow.AddHours(-1); // older records might be deleted before they are found
        await broker.CreateTopics(partitions: 1, topic);
        using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = broker.Bootstrap }).Build())
        {
            foreach (var second in new[] { 10, 20, 30 })
            {
                await producer.ProduceAsync(topic, new Message<Null, string>
                {
                    Value = $"at {second}",
                    Timestamp = new Timestamp(start.AddSeconds(second)),
                });
            }
        }
        using var admin = broker.Admin();

        Assert.Equal(1, await At(OffsetSpec.ForTimestamp(start.AddSeconds(11).ToUnixTimeMilliseconds())));
        Assert.Equal(0, await At(OffsetSpec.Earliest()));
        Assert.Equal(3, await At(OffsetSpec.Latest()));
        Assert.Equal(2, await At(OffsetSpec.MaxTimestamp()));

        async Task<long> At(OffsetSpec spec)
        {
            var found = await admin.ListOffsetsAsync(
                [new TopicPartitionOffsetSpec { TopicPartition = new TopicPartition(topic, 0), OffsetSpec = spec }]);
            return found.ResultInfos.Single().TopicPartitionOffsetError.Offset.Value;
        }
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public async Task Producing_to_a_topic_that_is_not_there_creates_it_and_shows_no_error(string client)
    {
        var topic = $"made-for-{AllClients.Named(client).PlainName}";
        var flights = Flights.Some(10, keyed: true);
        await AllClients.Named(client).Produce(broker.Bootstrap, topic, flights);
        Verify.IsWhatWasSent(flights, await AllClients.Dotnet.Read(broker.Bootstrap, [topic], flights.Count));
    }

    public static TheoryData<string> AllNames => [.. AllClients.List.Select(client => client.Name)];

    [Theory]
    [MemberData(nameof(AllNames))]
    public async Task Keys_and_values_may_be_null_empty_or_any_bytes(string name)
    {
        var client = AllClients.Named(name);
        if (!client.IsBinary)
            Assert.Skip($"{name} takes records as lines of text");
        var topic = $"bytes-of-{client.PlainName}";
        await broker.CreateTopics(partitions: 1, topic);
        Record[] records =
        [
            new Record(null, [0, 1, 2, 0xff, (byte)'\n', (byte)'\t']),
            new Record([0], null), // what compaction calls a tombstone
            new Record([], []),
            new Record(Encoding.UTF8.GetBytes("ключ"), new byte[100_000]),
        ];

        await client.Produce(broker.Bootstrap, topic, records);
        var read = await client.Read(broker.Bootstrap, [topic], records.Length, group: topic);

        Assert.Equal(records, read.Select(record => record.Record));
    }
}
