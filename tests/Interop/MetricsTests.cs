using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>What Prometheus sees of a broker that real clients use.</summary>
public class MetricsTests
{
    private const string Topic = "measured";

    [Fact]
    public async Task What_clients_have_sent_and_read_is_what_is_scraped()
    {
        var port = BrokerProcess.FreePort();
        await using var broker = await BrokerProcess.Start(("metrics.listener", $"http://127.0.0.1:{port}"));
        await broker.CreateTopics(partitions: 1, Topic);
        var records = Enumerable.Range(0, 137).Select(i => Record.Of($"k{i}", $"value {i}")).ToArray();
        var client = new DotnetClient();
        await client.Produce(broker.Bootstrap, records, [(Topic, "none")]);
        await client.Read(broker.Bootstrap, [Topic], records.Length, group: "readers");

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await WhenOpened(broker);
        var samples = Samples(await http.GetStringAsync("/metrics"));
        Assert.Equal(137, samples[$"kafka_server_brokertopicmetrics_messagesin_total{{topic=\"{Topic}\"}}"]);
        Assert.Equal(137, samples[$"kafka_log_log_logendoffset{{topic=\"{Topic}\",partition=\"0\"}}"]);
        var size = samples[$"kafka_log_log_size{{topic=\"{Topic}\",partition=\"0\"}}"];
        Assert.Equal(size, samples[$"kafka_server_brokertopicmetrics_bytesin_total{{topic=\"{Topic}\"}}"]);
        Assert.True(samples[$"kafka_server_brokertopicmetrics_bytesout_total{{topic=\"{Topic}\"}}"] >= size);
        Assert.Equal(1, samples["kafka_controller_kafkacontroller_activecontrollercount"]);
        Assert.Equal(0, samples["kafka_server_replicamanager_underreplicatedpartitions"]);
        Assert.Equal(3, samples["kafka_server_kafkaserver_brokerstate"]);
        Assert.Equal(1, samples["kafka_server_raftmetrics_current_state{current_state=\"leader\"}"]);
        Assert.True(samples["kafka_network_requestmetrics_totaltimems_count{request=\"Produce\"}"] >= 1);
        Assert.True(samples["kafka_network_requestmetrics_errors_total{request=\"Produce\",error=\"NONE\"}"] >= 1);
        Assert.True(samples["process_resident_memory_bytes"] > 1 << 20);

        // OpenMetrics where it is asked for.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Accept.ParseAdd("application/openmetrics-text; version=1.0.0");
        using var response = await http.SendAsync(request);
        Assert.Equal("application/openmetrics-text", response.Content.Headers.ContentType!.MediaType);
        Assert.EndsWith("# EOF\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync("/metrics", null)).StatusCode);
        Assert.Equal(0, await broker.Stop());
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_the_broker_serves()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var broker = await BrokerProcess.Start(("metrics.listener", $"http://127.0.0.1:{port}"));
        await broker.CreateTopics(partitions: 1, Topic);
        await WhenOpened(broker);
        var line = Assert.Single(broker.Log, line => line.Contains("Metrics", StringComparison.Ordinal));
        Assert.Contains($"cannot be served at http://127.0.0.1:{port}", line);
    }

    // The metrics come up after the broker, which says what has become of them.
    private static async Task WhenOpened(BrokerProcess broker)
    {
        while (!broker.Log.Any(line => line.Contains("Metrics", StringComparison.Ordinal)))
            await Task.Yield();
    }

    private static Dictionary<string, double> Samples(string text) => text
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => !line.StartsWith('#'))
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
