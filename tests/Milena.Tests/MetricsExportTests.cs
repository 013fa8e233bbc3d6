using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Metadata.Configs;
using Milena.Metrics;

namespace Milena.Tests;

/// <summary>Metrics on their way out of the process.</summary>
public sealed class MetricsExportTests : IDisposable
{
    private readonly MetricRegistry registry = new(new FakeTimeProvider());

    public MetricsExportTests() => registry.Meter("kafka.server", "T", "ThingsPerSec", "things", "things done").Mark(7);

    public void Dispose() => registry.Dispose();

    [Fact]
    public async Task Nothing_is_opened_unless_it_is_asked_for()
    {
        await using var export = await Export();
        Assert.Null(export.Address);
        Assert.False(export.IsSending);
    }

    [Fact]
    public async Task A_scrape_gets_what_there_is()
    {
        await using var export = await Export("metrics.listener=http://127.0.0.1:0");
        using var http = new HttpClient();
        var response = await http.GetAsync(export.Address);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("kafka_server_t_things_total 7\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var head = new HttpRequestMessage(HttpMethod.Head, export.Address);
        Assert.Equal(HttpStatusCode.OK, (await http.SendAsync(head)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(export.Address!, "/admin"))).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.DeleteAsync(export.Address)).StatusCode);
    }

    [Theory]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: x\r\nLarge: {0}\r\n\r\n", "HTTP/1.1 431")]
    [InlineData("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400")]
    public async Task What_is_no_scrape_is_answered_and_harms_nobody(string request, string answer)
    {
        await using var export = await Export("metrics.listener=http://127.0.0.1:0");
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, export.Address!.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request.Replace("{0}", new string('x', 20_000))));
        var received = new byte[answer.Length];
        await client.GetStream().ReadExactlyAsync(received);
        Assert.Equal(answer, Encoding.ASCII.GetString(received));
        using var http = new HttpClient();
        Assert.Contains("things", await http.GetStringAsync(export.Address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_is_sent_what_there_is()
    {
        Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"); // nobody else in this process exports
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        var receiving = Receive(collector);
        await using (await Export($"metrics.otlp.endpoint=http://{collector.LocalEndpoint}"))
        {
            // It sends a last time when it stops.
        }

        var received = Encoding.Latin1.GetString(await receiving);
        Assert.Contains("POST /v1/metrics ", received, StringComparison.Ordinal);
        Assert.Contains("kafka_server_t_things", received, StringComparison.Ordinal);
        Assert.Contains("service.name", received, StringComparison.Ordinal);
    }

    private Task<MetricsExport> Export(params string[] settings)
    {
        var reading = BrokerConfigReader.Read(new ConfigInput
        {
            Overrides = [.. settings.Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]))],
        });
        Assert.Empty(reading.Errors);
        return MetricsExport.Start(reading.Config!, registry, NullLoggerFactory.Instance);
    }

    // One request, whose body comes whole before it is answered.
    private static async Task<byte[]> Receive(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var received = new MemoryStream();
        var buffer = new byte[65536];
        while (!IsWhole(received.ToArray()))
        {
            var count = await stream.ReadAsync(buffer);
            if (count == 0)
                break;
            received.Write(buffer, 0, count);
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        return received.ToArray();
    }

    private static bool IsWhole(byte[] bytes)
    {
        var text = Encoding.Latin1.GetString(bytes);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
            return false;
        var length = text[..end].Split("\r\n").Single(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return bytes.Length >= end + 4 + int.Parse(length.AsSpan("Content-Length:".Length));
    }
}
