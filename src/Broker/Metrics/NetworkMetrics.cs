using Milena.Metrics;
using Milena.Network;

namespace Milena.Broker.Metrics;

/// <summary>Connections and the memory of requests: <c>SocketServer</c>, <c>RequestChannel</c> and <c>socket-server-metrics</c>.</summary>
/// <remarks>There are no network processors here that connections belong to, so all have the tag <c>networkProcessor=0</c>.</remarks>
internal static class NetworkMetrics
{
    private const string Domain = "kafka.server";
    private const string Network = "kafka.network";
    private const string Type = "socket-server-metrics";

    private static readonly string[] TagNames = ["listener", "networkProcessor"];

    public static void Register(MetricRegistry registry, FrameServer frames)
    {
        registry.Gauge(
            Network, "SocketServer", "NetworkProcessorAvgIdlePercent", "share of the threads for connections that wait for work: 0 to 1",
            () => FrameServer.IdleShare);
        registry.Gauge(
            Network, "SocketServer", "ExpiredConnectionsKilledCount", "connections closed because nothing moved on them",
            () => frames.Traffic().Sum(listener => (double)listener.Expired));
        registry.Gauge(Network, "SocketServer", "MemoryPoolAvailable", "bytes that requests may take yet", () => frames.QueuedBytesMax - frames.QueuedBytes);
        registry.Gauge(Network, "SocketServer", "MemoryPoolUsed", "bytes of requests that are received or handled", () => frames.QueuedBytes);
        registry.Gauge(Network, "RequestChannel", "RequestQueueSize", "requests that wait for memory before they are read", () => frames.WaitingForMemory);

        Each(registry, frames, "connection-count", "connections that are open", traffic => traffic.Open);
        Both(registry, frames, "connection-creation", "connections made", traffic => traffic.Created);
        Both(registry, frames, "connection-close", "connections ended", traffic => traffic.Created - traffic.Open);
        Both(registry, frames, "request", "requests received", traffic => traffic.Requests);
        Both(registry, frames, "response", "responses sent", traffic => traffic.Responses);
        Both(registry, frames, "incoming-byte", "bytes received", traffic => traffic.ReceivedBytes);
        Both(registry, frames, "outgoing-byte", "bytes sent", traffic => traffic.SentBytes);
        Each(registry, frames, "expired-connections-killed-count", "connections closed because nothing moved on them", traffic => traffic.Expired);
    }

    private static void Both(MetricRegistry registry, FrameServer frames, string name, string description, Func<ListenerTraffic, long> read)
    {
        var rates = frames.Traffic().ToDictionary(
            listener => listener.Listener,
            listener => registry.Track(() => frames.Traffic().Where(other => other.Listener == listener.Listener).Sum(read)));
        registry.Attributes(
            Domain, Type, $"{name}-rate", $"{description}, per second", TagNames,
            () => rates.Select(rate => (Tags(rate.Key), rate.Value.Read())));
        Each(registry, frames, $"{name}-total", description, read);
    }

    private static void Each(MetricRegistry registry, FrameServer frames, string name, string description, Func<ListenerTraffic, long> read) =>
        registry.Attributes(
            Domain, Type, name, description, TagNames,
            () => frames.Traffic().Select(traffic => (Tags(traffic.Listener), (double)read(traffic))));

    private static MetricTag[] Tags(string listener) => [new("listener", listener), new("networkProcessor", "0")];
}
