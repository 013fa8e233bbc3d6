using System.Collections.Concurrent;
using System.Text.Json;
using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>What Confluent.Kafka makes of a quota, and of being asked for its metrics.</summary>
public sealed class QuotaTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private readonly BrokerProcess broker = fixture.Broker;

    [Fact]
    public async Task A_producer_with_a_quota_is_held_up_and_knows_it()
    {
        Packages.MustBeThere(Path.Combine(Repository.Drivers, "node_modules", "@platformatic", "kafka", "package.json"));
        Assert.Equal("producer_byte_rate=100000", await Run("node", "quotas.mjs", broker.Bootstrap, "slow", "producer_byte_rate", "100000"));
        await broker.CreateTopics(1, "quotas");

        Assert.Equal(0, await ThrottleMs("free", untilThrottled: false));
        Assert.InRange(await ThrottleMs("slow", untilThrottled: true), 1, double.MaxValue);
    }

    [Fact]
    public async Task A_client_that_is_asked_pushes_its_metrics_and_the_broker_shows_them()
    {
        Packages.MustBeThere("/usr/bin/kcat"); // kafka-python is installed together with it
        var metricsAt = $"127.0.0.1:{BrokerProcess.FreePort()}";
        await using var watched = await BrokerProcess.Start(("metrics.listener", $"http://{metricsAt}"));
        Assert.Equal("error 0", await Run("/usr/bin/python3", "client_metrics.py", watched.Bootstrap, "500"));
        var pushed = new SemaphoreSlim(0);
        var refused = new ConcurrentQueue<string>();
        var config = new ProducerConfig { BootstrapServers = watched.Bootstrap, ClientId = "asked", Debug = "telemetry" };
        using (var producer = new ProducerBuilder<Null, string>(config).SetLogHandler(OnLog).Build())
        {
            await producer.ProduceAsync("asked", new() { Value = "a" });
            for (var i = 0; i < 3; i++)
                Assert.True(await pushed.WaitAsync(Deadline.Default), string.Join('\n', refused));

            using var http = new HttpClient();
            var shown = (await http.GetStringAsync($"http://{metricsAt}/metrics")).Split('\n');
            var own = shown.Where(line => line.StartsWith("kafka_client_") && line.Contains("client_id=\"asked\"")).ToArray();
            Assert.Contains(own, line => line.StartsWith("kafka_client_producer_connection_creation_total{"));
            Assert.All(own, line => Assert.Contains("client_software_name=\"", line));
        }

        Assert.Empty(refused);

        void OnLog(IProducer<Null, string> producer, LogMessage line)
        {
            if (line.Message.Contains("PushTelemetryRequest succeeded"))
                pushed.Release();
            else if (line.Message.Contains("failed", StringComparison.OrdinalIgnoreCase))
                refused.Enqueue(line.Message);
        }
    }

    /// <summary>Sends three megabytes, and returns for how long the broker has held the client up at most, in ms, as the client counts.</summary>
    private async Task<double> ThrottleMs(string clientId, bool untilThrottled)
    {
        var throttled = new TaskCompletionSource<double>(TaskCreationOptions.RunContinuationsAsynchronously);
        var highest = 0.0;
        var config = new ProducerConfig
        {
            BootstrapServers = broker.Bootstrap, ClientId = clientId, StatisticsIntervalMs = 100, BatchNumMessages = 10, LingerMs = 0,
        };
        using var producer = new ProducerBuilder<Null, byte[]>(config).SetStatisticsHandler((_, text) =>
        {
            using var statistics = JsonDocument.Parse(text);
            foreach (var node in statistics.RootElement.GetProperty("brokers").EnumerateObject())
                highest = Math.Max(highest, node.Value.GetProperty("throttle").GetProperty("max").GetDouble());
            if (highest > 0)
                throttled.TrySetResult(highest);
        }).Build();
        var sending = Task.WhenAll(Enumerable.Range(0, 300).Select(_ => producer.ProduceAsync("quotas", new() { Value = new byte[10_000] })));
        if (untilThrottled)
            return await throttled.Task.WaitAsync(Deadline.Default);
        await sending;
        return highest;
    }

    private static async Task<string> Run(string interpreter, string script, params string[] arguments)
    {
        var (exitCode, output, errors) = await ChildProcess.Run(interpreter, [script, .. arguments]);
        Assert.True(exitCode == 0, $"{output}\n{errors}");
        return output.Trim();
    }
}
