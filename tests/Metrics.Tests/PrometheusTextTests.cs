using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Milena.Metrics.Tests;

public sealed class PrometheusTextTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly MetricRegistry registry;

    public PrometheusTextTests() => registry = new(time);

    public void Dispose() => registry.Dispose();

    [Fact]
    public void Each_kind_has_the_name_that_jmx_exporter_gives_it()
    {
        registry.Meter("kafka.server", "ReplicaManager", "IsrShrinksPerSec", "shrinks", "shrinks of in-sync replicas").Mark(3);
        registry.Gauge("kafka.server", "KafkaServer", "linux-disk-read-bytes", "bytes read", () => 17);
        registry.Gauge("kafka.network", "SocketServer", "NetworkProcessorAvgIdlePercent", "idle", () => 0.25);
        registry.Attribute("kafka.server", "raft-metrics", "current-epoch", "the epoch", () => 7);
        registry.TextAttribute("kafka.server", "raft-metrics", "current-state", "the state", () => "leader");
        registry.Text("kafka.server", "KafkaServer", "ClusterId", "the id", () => "a-b");
        registry.Rate("kafka.server", "group-coordinator-metrics", "offset-commit", "commits", () => 5, "count");
        Assert.Equal(
            """
            # HELP kafka_network_socketserver_networkprocessoravgidle_percent idle
            # TYPE kafka_network_socketserver_networkprocessoravgidle_percent gauge
            kafka_network_socketserver_networkprocessoravgidle_percent 0.25
            # HELP kafka_server_group_coordinator_metrics_offset_commit_count commits
            # TYPE kafka_server_group_coordinator_metrics_offset_commit_count gauge
            kafka_server_group_coordinator_metrics_offset_commit_count 5
            # HELP kafka_server_group_coordinator_metrics_offset_commit_rate commits, per second
            # TYPE kafka_server_group_coordinator_metrics_offset_commit_rate gauge
            kafka_server_group_coordinator_metrics_offset_commit_rate 0
            # HELP kafka_server_kafkaserver_clusterid_info the id
            # TYPE kafka_server_kafkaserver_clusterid_info gauge
            kafka_server_kafkaserver_clusterid_info{clusterid="a-b"} 1
            # HELP kafka_server_kafkaserver_linux_disk_read_bytes bytes read
            # TYPE kafka_server_kafkaserver_linux_disk_read_bytes gauge
            kafka_server_kafkaserver_linux_disk_read_bytes 17
            # HELP kafka_server_raftmetrics_current_epoch the epoch
            # TYPE kafka_server_raftmetrics_current_epoch gauge
            kafka_server_raftmetrics_current_epoch 7
            # HELP kafka_server_raftmetrics_current_state the state
            # TYPE kafka_server_raftmetrics_current_state gauge
            kafka_server_raftmetrics_current_state{current_state="leader"} 1
            # HELP kafka_server_replicamanager_isrshrinks_total shrinks of in-sync replicas
            # TYPE kafka_server_replicamanager_isrshrinks_total counter
            kafka_server_replicamanager_isrshrinks_total 3

            """,
            Written());
    }

    [Fact]
    public void A_histogram_is_a_summary()
    {
        registry.Histogram("kafka.network", "RequestMetrics", "RequestBytes", "sizes").Update(12);
        Assert.Equal(
            """
            # HELP kafka_network_requestmetrics_requestbytes sizes
            # TYPE kafka_network_requestmetrics_requestbytes summary
            kafka_network_requestmetrics_requestbytes{quantile="0.50"} 12
            kafka_network_requestmetrics_requestbytes{quantile="0.75"} 12
            kafka_network_requestmetrics_requestbytes{quantile="0.95"} 12
            kafka_network_requestmetrics_requestbytes{quantile="0.98"} 12
            kafka_network_requestmetrics_requestbytes{quantile="0.99"} 12
            kafka_network_requestmetrics_requestbytes{quantile="0.999"} 12
            kafka_network_requestmetrics_requestbytes_sum 12
            kafka_network_requestmetrics_requestbytes_count 1

            """,
            Written());
    }

    [Fact]
    public void OpenMetrics_names_a_counter_without_its_suffix_and_has_an_end()
    {
        registry.Meter("kafka.server", "T", "NPerSec", "things", "say \"things\"").Mark();
        Assert.Equal(
            """
            # HELP kafka_server_t_n say \"things\"
            # TYPE kafka_server_t_n counter
            kafka_server_t_n_total 1
            # EOF

            """,
            Written(openMetrics: true));
    }

    [Fact]
    public void Labels_are_escaped_and_renamed()
    {
        registry.Gauges("d", "T", "N", "x", ["client-id"], () => [([new("client-id", "a\"b\\c\nd é")], double.NaN), ([new("client-id", "")], double.PositiveInfinity)]);
        var text = Written();
        Assert.Contains("""d_t_n{client_id="a\"b\\c\nd é"} NaN""", text, StringComparison.Ordinal);
        Assert.Contains("""d_t_n{client_id=""} +Inf""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_family_without_members_says_nothing()
    {
        registry.Gauges("d", "T", "N", "x", ["a"], () => []);
        Assert.Equal("", Written());
    }

    [Fact]
    public void Families_of_one_name_stand_under_one_head()
    {
        ProcessMetrics.Register(registry);
        var lines = Written().Split('\n');
        Assert.Single(lines, line => line.StartsWith("# TYPE jvm_memory_used_bytes ", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("jvm_memory_used_bytes{area=\"heap\"}", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("jvm_memory_used_bytes{area=\"nonheap\"}", StringComparison.Ordinal));
        Assert.Equal(lines.Length, lines.Where(line => line.StartsWith('#')).Distinct().Count() + lines.Count(line => !line.StartsWith('#')));
    }

    private string Written(bool openMetrics = false)
    {
        var output = new ArrayBufferWriter<byte>();
        var text = new PrometheusText(output, openMetrics);
        foreach (var family in PrometheusText.InOrder(registry))
            text.Write(family);
        text.End();
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
