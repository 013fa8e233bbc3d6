using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Milena.Metadata.Configs;
using Milena.Metrics;
using Milena.Monitoring;

namespace Milena;

/// <summary>
/// Shows a server's metrics to the outside, if it was told to: over HTTP for Prometheus, and to a collector of OpenTelemetry. It comes up
/// after the server, and what goes wrong with it does not stop the server.
/// </summary>
internal sealed class MetricsExport : IAsyncDisposable
{
    private const string OtlpVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private MetricsServer? server;
    private OtlpExport? otlp;

    private MetricsExport()
    {
    }

    /// <summary>Where the metrics can be scraped; null if nowhere.</summary>
    internal Uri? Address => server?.Address;

    /// <summary>Whether they are sent to a collector.</summary>
    internal bool IsSending => otlp is not null;

    /// <summary>Begins, with what there is to do.</summary>
    internal static async Task<MetricsExport> Start(BrokerConfig config, MetricRegistry registry, ILoggerFactory loggers)
    {
        var export = new MetricsExport();
        var logger = loggers.CreateLogger("Milena.Monitoring");
        if (config.GetString("metrics.listener") is { Length: > 0 } text && HttpListener.TryParse(text, out var listener))
            await export.Serve(listener!, text, registry, loggers, logger);
        var endpoint = config.GetString("metrics.otlp.endpoint");
        if (endpoint.Length > 0 || Environment.GetEnvironmentVariable(OtlpVariable) is { Length: > 0 })
            export.Send(endpoint, config.NodeId, registry, logger);
        return export;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        otlp?.Dispose();
    }

    private async Task Serve(HttpListener listener, string text, MetricRegistry registry, ILoggerFactory loggers, ILogger logger)
    {
        try
        {
            server = await MetricsServer.StartAsync(registry, listener.Address, listener.Port, loggers);
            Log.MetricsServed(logger, server.Address);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            Log.MetricsNotServed(logger, text, (failure.InnerException ?? failure).Message);
        }
    }

    private void Send(string endpoint, int nodeId, MetricRegistry registry, ILogger logger)
    {
        otlp = new OtlpExport(registry, endpoint.Length > 0 ? new Uri(endpoint) : null, nodeId, CommandLine.Version);
        Log.MetricsSent(logger, endpoint.Length > 0 ? endpoint : Environment.GetEnvironmentVariable(OtlpVariable)!);
    }
}
