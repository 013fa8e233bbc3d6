using System.Diagnostics;
using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quorum;

public class SpeedProbe
{
    [Fact]
    public async Task Probe()
    {
        var spec = Environment.GetEnvironmentVariable("PROBE");
        if (spec is null) return;
        var parts = spec.Split(',');
        int topics = int.Parse(parts[0]), per = int.Parse(parts[1]);
        var dir = parts[2];
        var output = TestContext.Current.TestOutputHelper!;
        if (!Directory.Exists(dir))
        {
            var (server, log) = await Start(dir);
            var client = new TestClient(server.Connect("PLAINTEXT"), "x");
            var sw = Stopwatch.StartNew();
            for (var i = 0; i < topics; i += 10)
            {
                var r = await client.Send(new CreateTopicsRequest { TimeoutMs = 60000, Topics = [.. Enumerable.Range(i, Math.Min(10, topics - i)).Select(n => new CreateTopicsRequest.CreatableTopic { Name = $"topic-{n}", NumPartitions = per, ReplicationFactor = 1 })] });
                Assert.All(r.Topics, t => Assert.Equal(ErrorCode.None, t.ErrorCode));
            }
            Console.Error.WriteLine($"created {topics * per} in {sw.ElapsedMilliseconds} ms");
            sw.Restart();
            await client.Send(new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["g"] });
            Console.Error.WriteLine($"find coordinator (50 partitions) in {sw.ElapsedMilliseconds} ms");
            await client.DisposeAsync();
            sw.Restart();
            await server.StopAsync();
            Console.Error.WriteLine($"stop in {sw.ElapsedMilliseconds} ms");
        }
        for (var i = 0; i < 4; i++)
        {
            var sw = Stopwatch.StartNew();
            var (server, log) = await Start(dir);
            var up = sw.ElapsedMilliseconds;
            foreach (var line in log.Lines.Where(l => l.Contains("Start:") || l.Contains("Loaded") || l.Contains("loaded"))) Console.Error.WriteLine("  " + line);
            sw.Restart();
            if (i % 2 == 0)
            {
                await server.StopAsync();
                Console.Error.WriteLine($"start {i}: {up} ms; stop {sw.ElapsedMilliseconds} ms");
            }
            else
            {
                // as kill -9: no mark of a clean shutdown
                await server.StopAsync();
                File.Delete(Path.Combine(dir, ".kafka_cleanshutdown"));
                Console.Error.WriteLine($"start {i}: {up} ms; stop {sw.ElapsedMilliseconds} ms, made unclean");
            }
        }
    }

    private static async Task<(BrokerServer, DebugLines)> Start(string dir)
    {
        var reading = BrokerConfigReader.Read(new ConfigInput { File = [new("listeners", "PLAINTEXT://127.0.0.1:0"), new("log.dirs", dir)] });
        var log = new DebugLines();
        var server = new BrokerServer(reading.Config!, log, TimeProvider.System, new SharedRandom(Environment.TickCount));
        await server.StartAsync();
        return (server, log);
    }
}

internal sealed class DebugLines : Microsoft.Extensions.Logging.ILoggerFactory, Microsoft.Extensions.Logging.ILogger
{
    public List<string> Lines { get; } = [];
    public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName) => this;
    public void AddProvider(Microsoft.Extensions.Logging.ILoggerProvider provider) { }
    public void Dispose() { }
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
    public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => logLevel >= Microsoft.Extensions.Logging.LogLevel.Debug;
    public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (Lines) Lines.Add(formatter(state, exception) + exception);
    }
}
