using System.Buffers.Binary;
using Milena.Broker.Tests.Transactions;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Apis;

/// <summary>Produce: what is taken, what is refused, and in which words.</summary>
public sealed class ProduceTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Records_get_the_offsets_in_which_they_are_read(short acks)
    {
        var topic = await shared.NewTopic(client);
        for (var version = 3; version <= 13; version++)
        {
            var first = (version - 3) * 2L;
            var answer = await client.Produce(topic, 0, Batches.Of($"{version}a", $"{version}b"), acks, version);
            Assert.Equal((ErrorCode.None, first, -1L), (answer.ErrorCode, answer.BaseOffset, answer.LogAppendTimeMs));
            Assert.Equal(version >= 5 ? 0 : -1, answer.LogStartOffset);
            Assert.Equal([(first, $"{version}a"), (first + 1, $"{version}b")], Batches.Read((await client.Fetch(topic, 0, first)).Records));
        }
    }

    [Fact]
    public async Task Acks_0_is_not_answered_and_the_records_are_there()
    {
        var topic = await shared.NewTopic(client);
        for (var version = 3; version <= 13; version++)
            await client.SendOneWay(ClientExtensions.ProduceRequest(topic, 0, Batches.Of($"v{version}"), acks: 0), version);
        var read = await client.Fetch(topic, 0, 0); // in the order of the connection
        Assert.Equal(Enumerable.Range(3, 11).Select(version => $"v{version}"), Batches.Values(read.Records));
    }

    [Fact]
    public async Task An_error_with_acks_0_closes_the_connection_for_it_could_be_told_in_no_other_way()
    {
        var topic = await shared.NewTopic(client);
        await using var careless = shared.Broker.Connect();
        await careless.SendOneWay(ClientExtensions.ProduceRequest(topic, 5, Batches.Of("a"), acks: 0));
        await careless.Ended.WaitAsync(TestClient.Patience);
        Assert.Equal(0, await client.ProduceValues(topic, 0, "others go on"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    [InlineData(short.MaxValue)]
    public async Task Other_acks_are_refused(short acks)
    {
        var topic = await shared.NewTopic(client);
        var answer = await client.Produce(topic, 0, Batches.Of("a"), acks);
        Assert.Equal((ErrorCode.InvalidRequiredAcks, -1L, -1L), (answer.ErrorCode, answer.BaseOffset, answer.LogStartOffset));
        Assert.Equal(0, await client.ProduceValues(topic, 0, "nothing was written"));
    }

    [Fact]
    public async Task A_topic_or_partition_that_is_not_there_is_unknown_by_the_name_it_was_given()
    {
        var topic = await shared.NewTopic(client);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await client.Produce(topic, 1, Batches.Of("a"))).ErrorCode);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await client.Produce(topic, -1, Batches.Of("a"))).ErrorCode);
        Assert.Equal(
            ErrorCode.UnknownTopicOrPartition, (await client.Produce(TestTopic.Unknown, 0, Batches.Of("a"), version: 12)).ErrorCode);
        Assert.Equal(ErrorCode.UnknownTopicId, (await client.Produce(TestTopic.Unknown, 0, Batches.Of("a"), version: 13)).ErrorCode);
    }

    [Fact]
    public async Task Partitions_fail_and_succeed_each_for_itself()
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        var request = ClientExtensions.ProduceRequest(topic, 0, Batches.Of("a"));
        request.TopicData[0].PartitionData =
        [
            new() { Index = 0, Records = new(Batches.Of("zero")) },
            new() { Index = 1, Records = new(Batches.Of("one").With(-1, 0xFF)) },
            new() { Index = 2, Records = new(Batches.Of("two")) },
            new() { Index = 3, Records = new(Batches.Of("three")) },
        ];
        var answers = (await client.Send(request)).Responses[0].PartitionResponses;
        Assert.Equal(
            [(0, ErrorCode.None), (1, ErrorCode.CorruptMessage), (2, ErrorCode.None), (3, ErrorCode.UnknownTopicOrPartition)],
            answers.Select(answer => (answer.Index, answer.ErrorCode)));
        Assert.Equal(["two"], Batches.Values((await client.Fetch(topic, 2, 0)).Records));
        Assert.Empty(Batches.Values((await client.Fetch(topic, 1, 0)).Records));
    }

    public static TheoryData<string, int, int> BadBatches => new()
    {
        { "no records", 3, (int)ErrorCode.InvalidRecord },
        { "nothing", 13, (int)ErrorCode.InvalidRecord },
        { "damaged", 3, (int)ErrorCode.CorruptMessage },
        { "two batches", 3, (int)ErrorCode.InvalidRecord },
        { "cut", 3, (int)ErrorCode.InvalidRecord },
        { "more behind", 3, (int)ErrorCode.InvalidRecord },
        { "zeros", 3, (int)ErrorCode.CorruptMessage },
        { "magic 1", 3, (int)ErrorCode.InvalidRecord },
        { "magic 0", 13, (int)ErrorCode.InvalidRecord },
        { "zstd", 6, (int)ErrorCode.UnsupportedCompressionType },
        { "no such codec", 13, (int)ErrorCode.UnsupportedCompressionType },
        { "control", 3, (int)ErrorCode.InvalidRecord },
        { "count lies", 3, (int)ErrorCode.InvalidRecord },
        { "count is 0", 3, (int)ErrorCode.InvalidRecord },
        { "count is negative", 3, (int)ErrorCode.InvalidRecord },
        { "count is huge", 3, (int)ErrorCode.InvalidRecord },
        { "base offset", 3, (int)ErrorCode.InvalidRecord },
        { "append time", 3, (int)ErrorCode.InvalidTimestamp },
        { "producer without sequence", 3, (int)ErrorCode.InvalidRecord },
    };

    [Theory]
    [MemberData(nameof(BadBatches))]
    public async Task A_batch_that_is_not_as_it_should_be_is_refused_and_nothing_is_written(string kind, int version, int error)
    {
        var topic = await shared.NewTopic(client);
        var answer = await client.Produce(topic, 0, BadBatch(kind), version: version);
        Assert.Equal(((ErrorCode)error, -1L), (answer.ErrorCode, answer.BaseOffset));
        if (version >= 8)
            Assert.NotEmpty(answer.ErrorMessage!);
        Assert.Equal(0, await client.ProduceValues(topic, 0, "a"));
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public async Task A_compressed_batch_is_kept_as_it_was_sent(CompressionCodec codec)
    {
        var topic = await shared.NewTopic(client);
        var batch = Batches.Of(codec, [.. Enumerable.Range(0, 100).Select(i => $"value {i}")]);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, batch, version: 7)).ErrorCode);
        var read = (await client.Fetch(topic, 0, 0)).Records.ToArray();
        Assert.Equal(batch[RecordBatchHeader.AttributesOffset..], read[RecordBatchHeader.AttributesOffset..]);
    }

    [Fact]
    public async Task A_batch_may_be_as_large_as_the_topic_says_and_no_larger()
    {
        var topic = await shared.NewTopic(client, configs: ("max.message.bytes", "1000"));
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(1000))).ErrorCode);
        var answer = await client.Produce(topic, 0, Batches.OfSize(1001));
        Assert.Equal((ErrorCode.MessageTooLarge, -1L), (answer.ErrorCode, answer.BaseOffset));
    }

    [Fact]
    public async Task A_batch_that_fits_no_segment_is_refused()
    {
        var topic = await shared.NewTopic(client, configs: [("segment.bytes", "1048576"), ("max.message.bytes", "3000000")]);
        Assert.Equal(ErrorCode.RecordListTooLarge, (await client.Produce(topic, 0, Batches.OfSize(1_100_000))).ErrorCode);
    }

    [Fact]
    public async Task Records_of_a_compacted_topic_need_keys_and_those_without_are_named()
    {
        var topic = await shared.NewTopic(client, configs: ("cleanup.policy", "compact"));
        using var builder = new RecordBatchBuilder();
        builder.Append(1, "k"u8, "v"u8);
        builder.Append(1, NullableSpan.Null, "v"u8);
        builder.Append(1, NullableSpan.Null, "v"u8);
        var answer = await client.Produce(topic, 0, builder.Build().ToArray());
        Assert.Equal(ErrorCode.InvalidRecord, answer.ErrorCode);
        Assert.Equal([1, 2], answer.RecordErrors.Select(error => error.BatchIndex));
        Assert.All(answer.RecordErrors, error => Assert.NotEmpty(error.BatchIndexErrorMessage!));

        using var keyed = new RecordBatchBuilder();
        keyed.Append(1, "k"u8, NullableSpan.Null);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, keyed.Build().ToArray())).ErrorCode);
    }

    [Fact]
    public async Task Records_from_too_far_in_the_future_are_refused_and_named()
    {
        var topic = await shared.NewTopic(client);
        var latest = shared.Broker.NowMs + 3_600_000;
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, latest, "a"))).ErrorCode);
        var answer = await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, latest, "a", "a millisecond later"));
        Assert.Equal(ErrorCode.InvalidTimestamp, answer.ErrorCode);
        Assert.Equal(1, Assert.Single(answer.RecordErrors).BatchIndex);
        Assert.Equal(
            ErrorCode.None, (await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, -1, "without a time"))).ErrorCode);
    }

    [Fact]
    public async Task Where_the_topic_keeps_the_time_of_the_append_it_is_told_and_written()
    {
        var topic = await shared.NewTopic(client, configs: ("message.timestamp.type", "LogAppendTime"));
        var answer = await client.Produce(topic, 0, Batches.Of("a"), version: 2 + 1);
        Assert.Equal((ErrorCode.None, shared.Broker.NowMs), (answer.ErrorCode, answer.LogAppendTimeMs));
        var batch = (await client.Fetch(topic, 0, 0)).Records.ToArray();
        Assert.True(new RecordBatchView(batch).IsValidCrc);
        Assert.Equal(
            (TimestampType.LogAppendTime, shared.Broker.NowMs),
            (new RecordBatchView(batch).TimestampType, new RecordBatchView(batch).MaxTimestamp));
    }

    [Fact]
    public async Task A_topic_with_a_codec_of_its_own_stores_every_batch_in_it()
    {
        var topic = await shared.NewTopic(client, configs: ("compression.type", "lz4"));
        await client.Produce(topic, 0, Batches.Of(CompressionCodec.Gzip, "a", "b"));
        var read = await client.Fetch(topic, 0, 0);
        Assert.Equal(CompressionCodec.Lz4, new RecordBatchView(read.Records.ToArray()).Codec);
        Assert.Equal([(0, "a"), (1, "b")], Batches.Read(read.Records));
    }

    [Fact]
    public async Task Internal_topics_are_written_by_coordinators_and_by_tools()
    {
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var topics = (await client.Send(new MetadataRequest { Topics = [new() { Name = "__consumer_offsets" }] })).Topics;
        var topic = new TestTopic("__consumer_offsets", topics[0].TopicId);
        Assert.Equal(ErrorCode.InvalidTopicException, (await client.Produce(topic, 0, Batches.Of("a"))).ErrorCode);
        await using var tool = shared.Broker.Connect("__admin_client");
        Assert.Equal(ErrorCode.InvalidRecord, (await tool.Produce(topic, 0, Batches.Of("needs a key"))).ErrorCode);
    }

    [Fact]
    public async Task What_is_part_of_no_transaction_is_refused_as_the_version_can_say_it()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        const string id = "in no transaction";
        var producer = new TestProducer(client, id);
        Assert.Equal(ErrorCode.None, await producer.Init());
        var request = Request(producer.Id);
        foreach (var (version, error) in new[] { (11, ErrorCode.TransactionAbortable), (10, ErrorCode.InvalidTxnState) })
            Assert.Equal(error, (await client.Send(request, version)).Responses[0].PartitionResponses[0].ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await client.Send(Request(producerId: 4_000_000))).Responses[0].PartitionResponses[0].ErrorCode);

        // Without an id to whom a right was granted, nothing of the request is taken.
        request.TransactionalId = null;
        request.TopicData[0].PartitionData =
        [
            .. request.TopicData[0].PartitionData,
            new() { Index = 1, Records = new(Batches.Of("plain")) },
        ];
        var answers = (await client.Send(request)).Responses[0].PartitionResponses;
        Assert.All(answers, answer => Assert.Equal(ErrorCode.TransactionalIdAuthorizationFailed, answer.ErrorCode));
        Assert.Equal(0, await client.ProduceValues(topic, 1, "nothing was written"));

        ProduceRequest Request(long producerId)
        {
            var batch = Batches.Of(
                RecordBatchOptions.Default with { IsTransactional = true, ProducerId = producerId, ProducerEpoch = 0, BaseSequence = 0 }, 0, "a");
            var request = ClientExtensions.ProduceRequest(topic, 0, batch);
            request.TransactionalId = id;
            return request;
        }
    }

    [Fact]
    public async Task Fewer_replicas_than_asked_for_are_as_many_as_there_can_be()
    {
        var topic = await shared.NewTopic(client, configs: ("min.insync.replicas", "3"));
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Of("a"), acks: -1)).ErrorCode);
    }

    [Fact]
    public async Task Requests_of_one_connection_are_appended_and_answered_in_their_order()
    {
        var topic = await shared.NewTopic(client);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(i => client.Produce(topic, 0, Batches.Of($"{i}"), acks: (short)(i % 2 == 0 ? 1 : -1))));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), answers.Select(answer => answer.BaseOffset));
    }

    private static byte[]? BadBatch(string kind)
    {
        var good = Batches.Of("a", "b");
        return kind switch
        {
            "no records" => null,
            "nothing" => [],
            "damaged" => good.With(-2, 0x55),
            "two batches" => [.. good, .. Batches.Of("c")],
            "cut" => good[..^1],
            "more behind" => [.. good, 1, 2, 3],
            "zeros" => new byte[200],
            "magic 1" => Legacy.MessageSet(1, "a"),
            "magic 0" => Legacy.MessageSet(0, "a"),
            "zstd" => Batches.Of(CompressionCodec.Zstd, "a"),
            "no such codec" => Patched(good, batch => batch[RecordBatchHeader.AttributesOffset + 1] = 6),
            "control" => Batches.Of(RecordBatchOptions.Default with { IsControl = true }, 0, "a"),
            "count lies" => Patched(good, batch => BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), 3)),
            "count is 0" => Patched(good, batch => BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), 0)),
            "count is negative" => Patched(good, batch => BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), -5)),
            "count is huge" => Patched(good, batch =>
            {
                BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), int.MaxValue);
                BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatchHeader.LastOffsetDeltaOffset), int.MaxValue - 1);
            }),
            "base offset" => Batches.Of(RecordBatchOptions.Default with { BaseOffset = 7 }, 0, "a"),
            "append time" =>
                Batches.Of(RecordBatchOptions.Default with { TimestampType = TimestampType.LogAppendTime, LogAppendTimeMs = 5 }, 0, "a"),
            "producer without sequence" => Batches.Of(RecordBatchOptions.Default with { ProducerId = 5, ProducerEpoch = 0 }, 0, "a"),
            _ => throw new ArgumentException(kind),
        };
    }

    /// <summary>Changes a batch and makes its CRC right again.</summary>
    private static byte[] Patched(byte[] batch, Action<byte[]> change)
    {
        change(batch);
        RecordBatchHeader.UpdateCrc(batch);
        return batch;
    }
}
