using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Fetching;

/// <summary>
/// Producers and consumers at once, all waiting for each other and none for the clock: what is acknowledged arrives, once and in
/// order, at everybody who reads.
/// </summary>
public sealed class StreamTests
{
    private const int Producers = 4;
    private const int Partitions = 3;
    private const int BatchesEach = 200;

    [Fact]
    public async Task Everything_arrives_once_and_in_order_at_every_consumer()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var admin = broker.Connect();
        var topic = await admin.CreateTopic("t", Partitions, ("segment.bytes", "1048576"));
        var consuming = new[] { 4, 11, 13, 18 }.Select(version => Task.Run(() => Consume(broker, topic, version))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Producers).Select(number => Task.Run(() => Produce(broker, topic, number))));
        foreach (var received in await Task.WhenAll(consuming))
        {
            for (var producer = 0; producer < Producers; producer++)
            {
                var mine = received.Where(value => value.Producer == producer).ToArray();
                Assert.Equal(BatchesEach * 2, mine.Length);
                foreach (var partition in mine.GroupBy(value => value.Partition))
                    Assert.Equal(partition.Order(), partition);
            }
        }
    }

    /// <summary>An idempotent producer with five requests in flight, which sends some of them twice.</summary>
    private static async Task Produce(TestBroker broker, TestTopic topic, int number)
    {
        await using var client = broker.Connect();
        var id = (await client.Send(new InitProducerIdRequest { TransactionalId = null })).ProducerId;
        var sequences = new int[Partitions];
        var inFlight = new Queue<Task<ProduceResponse.PartitionProduceResponse>>();
        for (var i = 0; i < BatchesEach; i++)
        {
            var partition = i % Partitions;
            var padding = new string('x', i % 50 * 100);
            for (var times = i % 7 == 0 ? 2 : 1; times > 0; times--)
            {
                var batch = Batches.Idempotent(id, 0, sequences[partition], $"{number}/{2 * i}/{padding}", $"{number}/{(2 * i) + 1}/");
                inFlight.Enqueue(client.Produce(topic, partition, batch, acks: (short)(i % 2 == 0 ? 1 : -1)));
            }

            sequences[partition] += 2;
            while (inFlight.Count >= 5)
                Assert.Equal(ErrorCode.None, (await inFlight.Dequeue()).ErrorCode);
        }

        Assert.All(await Task.WhenAll(inFlight), answer => Assert.Equal(ErrorCode.None, answer.ErrorCode));
    }

    /// <summary>Reads all partitions, in a session where the version has one, and waits for more as long as something is missing.</summary>
    private static async Task<List<(int Producer, int Number, int Partition)>> Consume(TestBroker broker, TestTopic topic, int version)
    {
        await using var client = broker.Connect();
        var received = new List<(int, int, int)>();
        var positions = new long[Partitions];
        var (session, epoch) = (0, version >= 7 ? 0 : -1);
        while (received.Count < Producers * BatchesEach * 2)
        {
            var request = ClientExtensions.FetchRequest(
                topic, [.. positions.Select((offset, partition) => ClientExtensions.From(partition, offset, maxBytes: 20_000))]);
            (request.MaxWaitMs, request.MinBytes, request.MaxBytes) = (int.MaxValue, 1, 30_000);
            (request.SessionId, request.SessionEpoch) = (session, epoch);
            var response = await client.Send(request, version);
            Assert.Equal(ErrorCode.None, response.ErrorCode);
            (session, epoch) = (response.SessionId, version >= 7 ? epoch + 1 : -1);
            foreach (var data in response.Responses.SelectMany(one => one.Partitions))
            {
                Assert.Equal(ErrorCode.None, data.ErrorCode);
                foreach (var (offset, value) in Batches.Read(data.Records).Where(record => record.Offset >= positions[data.PartitionIndex]))
                {
                    Assert.Equal(positions[data.PartitionIndex], offset);
                    positions[data.PartitionIndex] = offset + 1;
                    var parts = value.Split('/');
                    received.Add((int.Parse(parts[0]), int.Parse(parts[1]), data.PartitionIndex));
                }
            }
        }

        return received;
    }
}
