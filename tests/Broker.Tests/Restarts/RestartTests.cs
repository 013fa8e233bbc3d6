using Microsoft.Extensions.Time.Testing;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Restarts;

/// <summary>
/// What a broker knows after it was stopped, and after it was not: the second kind runs on a copy of the directory, made while its
/// owner runs on.
/// </summary>
public sealed class RestartTests : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly List<TempDirectory> copies = [];
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public void Dispose()
    {
        directory.Dispose();
        copies.ForEach(copy => copy.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Topics_configurations_and_records_are_as_they_were(bool isClean)
    {
        TestTopic topic = null!;
        var clusterId = "";
        await InTwoLives(
            isClean,
            async (broker, client) =>
            {
                clusterId = broker.Server.ClusterId;
                topic = await client.CreateTopic("t", partitions: 2, configs: ("max.message.bytes", "1000"));
                await client.ProduceValues(topic, 0, "a", "b");
                await client.ProduceValues(topic, 1, "c");
            },
            async (broker, client) =>
            {
                Assert.Equal(clusterId, broker.Server.ClusterId);
                var found = Assert.Single((await client.Send(new MetadataRequest { Topics = null })).Topics);
                Assert.Equal((topic.Name, topic.Id, 2), (found.Name, found.TopicId, found.Partitions.Length));
                Assert.Equal([(0, "a"), (1, "b")], Batches.Read((await client.Fetch(topic, 0, 0)).Records));
                Assert.Equal(2, await client.ProduceValues(topic, 0, "d"));
                Assert.Equal(1, await client.ProduceValues(topic, 1, "e"));
                Assert.Equal(ErrorCode.MessageTooLarge, (await client.Produce(topic, 0, Batches.OfSize(1001))).ErrorCode);
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Leader_epochs_grow_and_readers_of_an_old_one_are_told(bool isClean)
    {
        TestTopic topic = null!;
        await InTwoLives(
            isClean,
            async (_, client) =>
            {
                topic = await client.CreateTopic("t");
                await client.ProduceValues(topic, 0, "a", "b");
                Assert.Equal(0, await LeaderEpoch(client, topic));
            },
            async (broker, client) =>
            {
                var epoch = await LeaderEpoch(client, topic);
                Assert.True(epoch > 0);
                await client.ProduceValues(topic, 0, "c");
                for (var version = 9; version <= 18; version++)
                {
                    var response = await client.Send(
                        ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0, leaderEpoch: 0)), version);
                    Assert.Equal((ErrorCode.FencedLeaderEpoch, 0), (response.Only().ErrorCode, response.Only().Records.Length));
                    if (version >= 16)
                    {
                        Assert.Equal((1, epoch), (response.Only().CurrentLeader.LeaderId, response.Only().CurrentLeader.LeaderEpoch));
                        Assert.Equal(
                            (1, "127.0.0.1", broker.Port),
                            Assert.Single(response.NodeEndpoints) is var node ? (node.NodeId, node.Host, node.Port) : default);
                    }

                    Assert.Equal(
                        ErrorCode.UnknownLeaderEpoch,
                        (await Fetch(client, topic, ClientExtensions.From(0, 0, leaderEpoch: epoch + 1), version)).ErrorCode);
                    Assert.Equal(
                        ErrorCode.None,
                        (await Fetch(client, topic, ClientExtensions.From(0, 0, leaderEpoch: epoch), version)).ErrorCode);
                }

                await Fences(client, topic, epoch);
                await FindsEndsOfEpochs(client, topic, epoch);
                await FindsDivergence(client, topic, epoch);
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_producer_id_is_given_twice_and_a_producer_goes_on_with_its_sequence(bool isClean)
    {
        TestTopic topic = null!;
        var id = 0L;
        await InTwoLives(
            isClean,
            async (_, client) =>
            {
                topic = await client.CreateTopic("t");
                id = (await client.Send(new InitProducerIdRequest { TransactionalId = null })).ProducerId;
                await client.Produce(topic, 0, Idempotent(id, 0, "a", "b"));
            },
            async (_, client) =>
            {
                for (var i = 0; i < 3; i++)
                    Assert.True((await client.Send(new InitProducerIdRequest { TransactionalId = null })).ProducerId > id);
                Assert.Equal(
                    (ErrorCode.None, 0),
                    await client.Produce(topic, 0, Idempotent(id, 0, "a", "b")) is var again
                        ? (again.ErrorCode, again.BaseOffset)
                        : default);
                Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, (await client.Produce(topic, 0, Idempotent(id, 3, "d"))).ErrorCode);
                Assert.Equal(
                    (ErrorCode.None, 2),
                    await client.Produce(topic, 0, Idempotent(id, 2, "c")) is var next ? (next.ErrorCode, next.BaseOffset) : default);
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Groups_know_where_they_stand(bool isClean)
    {
        TestTopic topic = null!;
        JoinGroupResponse member = null!;
        var join = new JoinGroupRequest
        {
            GroupId = "g",
            GroupInstanceId = "machine",
            SessionTimeoutMs = 60_000,
            RebalanceTimeoutMs = 60_000,
            ProtocolType = "consumer",
            Protocols = [new() { Name = "range", Metadata = "m"u8.ToArray() }],
        };
        await InTwoLives(
            isClean,
            async (_, client) =>
            {
                topic = await client.CreateTopic("t");
                await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
                member = await client.Send(join);
                await client.Send(new SyncGroupRequest
                {
                    GroupId = "g",
                    GenerationId = 1,
                    MemberId = member.MemberId,
                    Assignments = [new() { MemberId = member.MemberId, Assignment = "all"u8.ToArray() }],
                });
                await client.Send(new OffsetCommitRequest
                {
                    GroupId = "g",
                    GenerationIdOrMemberEpoch = 1,
                    MemberId = member.MemberId,
                    Topics = [new() { TopicId = topic.Id, Partitions = [new() { CommittedOffset = 42, CommittedMetadata = "here" }] }],
                });
            },
            async (_, client) =>
            {
                await Loaded(client, "g");
                var fetched = await client.Send(new OffsetFetchRequest { Groups = [new() { GroupId = "g", Topics = null }] });
                var partition = Assert.Single(Assert.Single(fetched.Groups[0].Topics).Partitions);
                Assert.Equal((42, "here"), (partition.CommittedOffset, partition.Metadata));

                // Its member need not notice anything.
                Assert.Equal(
                    ErrorCode.None,
                    (await client.Send(new HeartbeatRequest { GroupId = "g", GenerationId = 1, MemberId = member.MemberId, GroupInstanceId = "machine" })).ErrorCode);
                Assert.Equal("Stable", (await client.Send(new DescribeGroupsRequest { Groups = ["g"] })).Groups[0].GroupState);
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_deleted_stays_deleted(bool isClean)
    {
        TestTopic kept = null!;
        await InTwoLives(
            isClean,
            async (_, client) =>
            {
                kept = await client.CreateTopic("kept");
                var gone = await client.CreateTopic("gone");
                await client.ProduceValues(kept, 0, "a", "b", "c");
                await client.ProduceValues(gone, 0, "a");
                await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = "gone" }] });
                await client.Send(new DeleteRecordsRequest { Topics = [new() { Name = "kept", Partitions = [new() { Offset = 2 }] }] });
            },
            async (broker, client) =>
            {
                Assert.Equal("kept", Assert.Single((await client.Send(new MetadataRequest { Topics = null })).Topics).Name);
                if (isClean)
                    Assert.Equal(2, (await client.Fetch(kept, 0, 2)).LogStartOffset); // else it may lag by its checkpoint's interval
                Assert.Equal((2, "c"), Batches.Read((await client.Fetch(kept, 0, 2)).Records)[^1]);
                Assert.Equal(ErrorCode.None, (await client.Produce(await client.CreateTopic("gone"), 0, Batches.Of("x"))).ErrorCode);
            });
    }

    [Fact]
    public async Task A_torn_write_at_the_end_of_a_log_is_cut_off()
    {
        TestTopic topic = null!;
        await InTwoLives(
            false,
            async (_, client) =>
            {
                topic = await client.CreateTopic("t");
                await client.ProduceValues(topic, 0, "a");
                await client.ProduceValues(topic, 0, "b");
            },
            async (_, client) =>
            {
                Assert.Equal(["a", "b"], Batches.Values((await client.Fetch(topic, 0, 0)).Records));
                Assert.Equal(2, await client.ProduceValues(topic, 0, "c"));
                Assert.Equal(["a", "b", "c"], Batches.Values((await client.Fetch(topic, 0, 0)).Records));
            },
            copy => File.AppendAllBytes(
                Path.Combine(copy.Path, "t-0", "00000000000000000000.log"),
                Batches.Of(RecordBatchOptions.Default with { BaseOffset = 2 }, 0, "torn")[..^3]));
    }

    [Fact]
    public async Task Ten_lives_one_after_the_other_lose_and_double_nothing()
    {
        TestTopic? topic = null;
        for (var life = 0; life < 10; life++)
        {
            await using var broker = await TestBroker.StartAsync(directory, time);
            await using var client = broker.Connect();
            topic ??= await client.CreateTopic("t");
            Assert.Equal(life, await client.ProduceValues(topic, 0, $"{life}"));
            Assert.Equal(Enumerable.Range(0, life + 1).Select(i => $"{i}"), Batches.Values((await client.Fetch(topic, 0, 0)).Records));
        }
    }

    [Fact]
    public async Task A_directory_in_use_is_refused()
    {
        await using var broker = await TestBroker.StartAsync(directory, time);
        await Assert.ThrowsAsync<Storage.LogDirectoryException>(() => TestBroker.StartAsync(directory, time));
    }

    [Fact]
    public async Task Stopping_answers_what_waits_for_a_record_or_a_rebalance()
    {
        var broker = await TestBroker.StartAsync(directory, time);
        await using var client = broker.Connect();
        await using var other = broker.Connect();
        var topic = await client.CreateTopic("t");
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        request.MaxWaitMs = int.MaxValue;
        var waiting = other.Send(request);
        await broker.Parked(topic, 1);
        await broker.Server.StopAsync().WaitAsync(TestClient.Patience);
        var answer = (await waiting).Only();
        Assert.Equal(0, answer.Records.Length);
        await client.Ended.WaitAsync(TestClient.Patience);
    }

    // Producers are forgotten by the times of their records, so these are of today.
    private byte[] Idempotent(long id, int sequence, params string[] values) => Batches.Of(
        RecordBatchOptions.Default with { ProducerId = id, ProducerEpoch = 0, BaseSequence = sequence }, time.GetUtcNow().ToUnixTimeMilliseconds(), values);

    private static async Task Fences(TestClient client, TestTopic topic, int epoch)
    {
        foreach (var (asked, error) in new[]
        {
            (0, ErrorCode.FencedLeaderEpoch),
            (epoch + 1, ErrorCode.UnknownLeaderEpoch),
            (epoch, ErrorCode.None),
        })
        {
            var offsets = await client.Send(new ListOffsetsRequest
            {
                ReplicaId = -1,
                Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = -1, CurrentLeaderEpoch = asked }] }],
            });
            Assert.Equal(error, offsets.Topics[0].Partitions[0].ErrorCode);
            var epochs = await client.Send(new OffsetForLeaderEpochRequest
            {
                Topics = [new() { Topic = topic.Name, Partitions = [new() { LeaderEpoch = 0, CurrentLeaderEpoch = asked }] }],
            });
            Assert.Equal(error, epochs.Topics[0].Partitions[0].ErrorCode);
        }
    }

    private static async Task FindsEndsOfEpochs(TestClient client, TestTopic topic, int epoch)
    {
        for (var version = 0; version <= 4; version++)
        {
            foreach (var (asked, found, end) in new[] { (0, 0, 2L), (epoch, epoch, 3), (epoch + 1, -1, -1), (99, -1, -1) })
            {
                var response = await client.Send(
                    new OffsetForLeaderEpochRequest
                    {
                        Topics = [new() { Topic = topic.Name, Partitions = [new() { LeaderEpoch = asked }] }],
                    },
                    version);
                var answer = response.Topics[0].Partitions[0];
                Assert.Equal((ErrorCode.None, version >= 1 ? found : -1, end), (answer.ErrorCode, answer.LeaderEpoch, answer.EndOffset));
            }
        }
    }

    private static async Task FindsDivergence(TestClient client, TestTopic topic, int epoch)
    {
        for (var version = 12; version <= 18; version++)
        {
            // The reader has a third record of epoch 0, of which this log has two.
            var diverged = await Fetch(client, topic, ClientExtensions.From(0, 3, lastFetchedEpoch: 0), version);
            Assert.Equal(
                (ErrorCode.None, 0, 2L, 0),
                (diverged.ErrorCode, diverged.DivergingEpoch.Epoch, diverged.DivergingEpoch.EndOffset, diverged.Records.Length));
            var agreed = await Fetch(client, topic, ClientExtensions.From(0, 2, lastFetchedEpoch: 0), version);
            Assert.Equal((ErrorCode.None, -1, "c"), (agreed.ErrorCode, agreed.DivergingEpoch.Epoch, Batches.Values(agreed.Records)[0]));
            var unknown = await Fetch(client, topic, ClientExtensions.From(0, 2, lastFetchedEpoch: epoch + 1), version);
            Assert.Equal(ErrorCode.OffsetOutOfRange, unknown.ErrorCode);
        }
    }

    private static async Task<FetchResponse.PartitionData> Fetch(
        TestClient client, TestTopic topic, FetchRequest.FetchPartition partition, int version) =>
        (await client.Send(ClientExtensions.FetchRequest(topic, partition), version)).Only();

    private static async Task<int> LeaderEpoch(TestClient client, TestTopic topic) =>
        (await client.Send(new MetadataRequest { Topics = [new() { TopicId = topic.Id, Name = null }] })).Topics[0].Partitions[0].LeaderEpoch;

    private static async Task Loaded(TestClient client, string group)
    {
        while (
            (await client.Send(new DescribeGroupsRequest { Groups = [group] })).Groups[0].ErrorCode == ErrorCode.CoordinatorLoadInProgress)
            await Task.Yield();
    }

    private async Task InTwoLives(
        bool isClean,
        Func<TestBroker, TestClient, Task> first,
        Func<TestBroker, TestClient, Task> second,
        Action<TempDirectory>? between = null)
    {
        TempDirectory next;
        await using (var broker = await TestBroker.StartAsync(directory, time))
        {
            await using var client = broker.Connect();
            await first(broker, client);
            next = directory.Copy();
            copies.Add(next);
            between?.Invoke(next);
        }

        await using var again = await TestBroker.StartAsync(isClean ? directory : next, time);
        await using var later = again.Connect();
        await second(again, later);
    }
}
