using System.Diagnostics;
using Milena.Broker.Tests.Versions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.BadInput;

/// <summary>
/// Noise in the place of requests, from a seed: random bytes, and good requests with a few bytes changed, for every API in every
/// version. The broker may refuse and may answer; it may not fail.
/// </summary>
[Collection(MemoryCollection.Name)]
public sealed class FuzzTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Noise_is_refused_or_answered_and_never_a_fault(int seed)
    {
        await using var broker = await TestBroker.StartAsync(("auto.create.topics.enable", "false"));
        await using var good = broker.Connect();
        var topic = await good.CreateTopic("t", configs: ("compression.type", "lz4"));
        await good.ProduceValues(topic, 0, "a", "b");
        await good.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var samples = Samples.All(topic).Where(sample => sample.Key is not ApiKey.DeleteTopics).ToArray();
        var random = new Random(seed);
        foreach (var key in samples.Select(sample => sample.Key).Distinct())
        {
            for (var version = ApiTable.Get(key).Versions.Min; version <= ApiTable.Get(key).Versions.Max; version++)
                await Send(key, version, Noise(random));
        }

        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Bound)
        {
            foreach (var sample in samples)
            {
                var versions = ApiTable.Get(sample.Key).Versions;
                var version = (short)random.Next(versions.Min, versions.Max + 1);
                await Send(sample.Key, version, Mutated(sample.Encode(version), random));
            }
        }

        RecordsNoFault(broker, seed, "all");
        Assert.Equal(ErrorCode.None, (await good.Send(new ApiVersionsRequest(), 0)).ErrorCode);
        Assert.Equal(
            ErrorCode.None, (await good.Send(new MetadataRequest { Topics = null })).Topics.Single(one => one.Name == "t").ErrorCode);
        Assert.Equal(ErrorCode.None, (await good.Produce(topic, 0, Batches.Of("c"))).ErrorCode);

        async Task Send(ApiKey key, short version, byte[] body)
        {
            byte[] header = ApiTable.Get(key).RequestHeaderVersion(version) >= 2 ? [0, 1, (byte)'c', 0] : [0, 1, (byte)'c'];
            await using var client = new TestClient(broker.Server.Connect(TestBroker.Listener), null);
            await Ends(client, key, version, [.. header, .. body]);
            RecordsNoFault(broker, seed, $"{key} v{version} {Convert.ToHexString(body)}");
        }
    }

    private static void RecordsNoFault(TestBroker broker, int seed, string after)
    {
        if (broker.Log.Lines.FirstOrDefault(line => line.Contains("Exception")) is { } fault)
            Assert.Fail($"seed {seed}: {after}: {fault}");
    }

    /// <summary>
    /// Waits for an answer or an end, or for the answer to what is asked behind it, as acks=0 has none. Who waits for a record or a
    /// rebalance is left after a while.
    /// </summary>
    private static async Task Ends(TestClient client, ApiKey key, short version, byte[] frame)
    {
        const int TurnsMax = 300;
        var ended = Task.WhenAny(client.SendRaw((short)key, version, frame), client.Send(new ApiVersionsRequest(), 0), client.Ended);
        for (var turns = 0; turns < TurnsMax && !ended.IsCompleted; turns++)
            await Task.Yield();
    }

    private static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(0, 80)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Mutated(byte[] body, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0 && body.Length > 0; changes--)
        {
            var at = random.Next(body.Length);
            body[at] = random.Next(4) switch
            {
                0 => 0,
                1 => 0xFF,
                2 => (byte)(body[at] + random.Next(-2, 3)),
                _ => (byte)random.Next(256),
            };
        }

        return random.Next(8) == 0 ? body[..random.Next(body.Length + 1)] : body;
    }
}
