using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Apis;

/// <summary>Clients from before record batches: Produce v0 to v2 and Fetch v0 to v3, against each other and against new ones.</summary>
public sealed class LegacyClientTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Theory]
    [InlineData(0, 0, CompressionCodec.None)]
    [InlineData(0, 0, CompressionCodec.Gzip)]
    [InlineData(0, 0, CompressionCodec.Snappy)]
    [InlineData(0, 0, CompressionCodec.Lz4)]
    [InlineData(1, 0, CompressionCodec.None)]
    [InlineData(1, 0, CompressionCodec.Gzip)]
    [InlineData(2, 1, CompressionCodec.None)]
    [InlineData(2, 1, CompressionCodec.Gzip)]
    [InlineData(2, 1, CompressionCodec.Snappy)]
    [InlineData(2, 1, CompressionCodec.Lz4)]
    public async Task What_old_clients_write_is_read_by_all(int version, int magic, CompressionCodec codec)
    {
        var topic = await shared.NewTopic(client);
        for (var i = 0; i < 2; i++)
        {
            var answer = await client.Produce(topic, 0, Legacy.MessageSet(magic, codec, $"{i}a", $"{i}b", $"{i}c"), version: version);
            Assert.Equal((ErrorCode.None, 3L * i), (answer.ErrorCode, answer.BaseOffset));
        }

        await ReadsInEveryVersion(topic, codec, (0, "0a"), (1, "0b"), (2, "0c"), (3, "1a"), (4, "1b"), (5, "1c"));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    public async Task What_new_clients_write_is_read_by_all(CompressionCodec codec)
    {
        var topic = await shared.NewTopic(client);
        await client.Produce(topic, 0, Batches.Of(codec, "a", "b"));
        await client.Produce(topic, 0, Batches.Of(codec, "c"));
        await ReadsInEveryVersion(topic, codec, (0, "a"), (1, "b"), (2, "c"));
    }

    [Fact]
    public async Task Old_clients_are_told_that_they_cannot_read_zstd()
    {
        var topic = await shared.NewTopic(client);
        await client.Produce(topic, 0, Batches.Of(CompressionCodec.Zstd, "a"));
        for (var version = 0; version <= 3; version++)
            Assert.Equal(ErrorCode.UnsupportedCompressionType, (await client.Fetch(topic, 0, 0, version)).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Fetch(topic, 0, 0, 4)).ErrorCode);

        // Where the topic is sure to hold nothing else, clients from before KIP-110 are told so at once.
        var always = await shared.NewTopic(client, configs: ("compression.type", "zstd"));
        await client.ProduceValues(always, 0, "a");
        for (var version = 0; version <= 9; version++)
            Assert.Equal(ErrorCode.UnsupportedCompressionType, (await client.Fetch(always, 0, 0, version)).ErrorCode);
        for (var version = 10; version <= 18; version++)
            Assert.Equal(["a"], Batches.Values((await client.Fetch(always, 0, 0, version)).Records));
    }

    [Fact]
    public async Task A_damaged_message_is_refused()
    {
        var topic = await shared.NewTopic(client);
        for (var version = 0; version <= 2; version++)
        {
            var set = Legacy.MessageSet(version == 2 ? 1 : 0, "a", "b");
            Assert.Equal(ErrorCode.CorruptMessage, (await client.Produce(topic, 0, set.With(-1, 9), version: version)).ErrorCode);
            Assert.Equal(ErrorCode.InvalidRecord, (await client.Produce(topic, 0, set[..^1], version: version)).ErrorCode);
        }
    }

    [Fact]
    public async Task A_batch_whose_records_are_rubbish_is_an_error_of_its_partition_alone()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var rubbish = Batches.Of(CompressionCodec.Gzip, "a", "b");
        rubbish.AsSpan(RecordBatchHeader.Size).Fill(0xEE); // stored as it is: batches are not looked into
        RecordBatchHeader.UpdateCrc(rubbish);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, rubbish)).ErrorCode);
        await client.ProduceValues(topic, 1, "good");
        var response = await client.Send(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0), ClientExtensions.From(1, 0)), 2);
        var partitions = Assert.Single(response.Responses).Partitions;
        Assert.Equal((ErrorCode.CorruptMessage, 0), (partitions[0].ErrorCode, partitions[0].Records.Length));
        Assert.Equal(["good"], Batches.Values(partitions[1].Records));
    }

    [Fact]
    public async Task Old_clients_that_start_in_the_middle_of_a_batch_get_no_earlier_records()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b", "c");
        for (var version = 0; version <= 3; version++)
            Assert.Equal([(1, "b"), (2, "c")], Batches.Read((await client.Fetch(topic, 0, 1, version)).Records));
    }

    private async Task ReadsInEveryVersion(TestTopic topic, CompressionCodec codec, params (long Offset, string Value)[] expected)
    {
        for (var version = 0; version <= 18; version++)
        {
            var read = await client.Fetch(topic, 0, 0, version);
            Assert.Equal(ErrorCode.None, read.ErrorCode);
            Assert.Equal(expected, Batches.Read(read.Records));
            var batch = new RecordBatchView(read.Records.ToArray());
            Assert.Equal((version < 2 ? 0 : version < 4 ? 1 : 2, codec), (batch.Magic, batch.Codec));
        }
    }
}
