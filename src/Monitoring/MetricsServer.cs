using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Milena.Metrics;

namespace Milena.Monitoring;

/// <summary>
/// Shows metrics over HTTP to whoever scrapes them (<c>GET /metrics</c>). It is Kestrel without a host around it: nothing is configured
/// from elsewhere, and nothing but this is served.
/// </summary>
public sealed class MetricsServer : IAsyncDisposable
{
    private readonly KestrelServer server;

    private MetricsServer(KestrelServer server, Uri address)
    {
        this.server = server;
        Address = address;
    }

    /// <summary>Where the metrics are.</summary>
    public Uri Address { get; }

    /// <summary>Opens the port. Throws <see cref="IOException"/> or <see cref="SocketException"/> if it cannot be had.</summary>
    /// <param name="registry">What is shown.</param>
    /// <param name="address">An address of this machine; null for all of them.</param>
    /// <param name="port">0 for any that is free.</param>
    /// <param name="loggers">Where faults go.</param>
    public static async Task<MetricsServer> StartAsync(MetricRegistry registry, IPAddress? address, int port, ILoggerFactory loggers)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = 64;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        ListenOptions? bound = null;
        if (address is null)
            options.ListenAnyIP(port, Configure);
        else
            options.Listen(address, port, Configure);

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers);
        var server = new KestrelServer(Options.Create(options), transport, loggers);
        try
        {
            await server.StartAsync(new Application(registry, loggers.CreateLogger<MetricsServer>()), CancellationToken.None);
        }
        catch
        {
            server.Dispose();
            throw;
        }

        var host = address is null ? "localhost" : bound!.IPEndPoint!.Address.ToString();
        return new(server, new UriBuilder("http", host, bound!.IPEndPoint!.Port, "metrics").Uri);

        void Configure(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            bound = listen;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using (var now = new CancellationTokenSource(TimeSpan.Zero)) // a scrape that is under way is cut off
            await server.StopAsync(now.Token);
        server.Dispose();
    }

    private sealed class Application(MetricRegistry registry, ILogger logger) : IHttpApplication<IFeatureCollection>
    {
        private const int FlushBytes = 64 * 1024;

        // One at a time: whoever asks more often than he can be told waits.
        private readonly SemaphoreSlim turn = new(1);

        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public async Task ProcessRequestAsync(IFeatureCollection context)
        {
            var request = context.GetRequiredFeature<IHttpRequestFeature>();
            var response = context.GetRequiredFeature<IHttpResponseFeature>();
            var gone = context.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
            response.StatusCode = (request.Path, request.Method) switch
            {
                ("/metrics", "GET" or "HEAD") => 200,
                ("/metrics", _) => 405,
                _ => 404,
            };
            if (response.StatusCode == 405)
                response.Headers.Allow = "GET, HEAD";
            if (response.StatusCode != 200)
                return;
            await turn.WaitAsync(gone);
            try
            {
                await Write(context, response, request.Headers.Accept.ToString(), request.Method == "HEAD", gone);
            }
            finally
            {
                turn.Release();
            }
        }

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
            if (exception is not null and not OperationCanceledException)
                Log.ScrapeFailed(logger, exception);
        }

        private async Task Write(IFeatureCollection context, IHttpResponseFeature response, string accepted, bool isHead, CancellationToken gone)
        {
            var openMetrics = accepted.Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase);
            response.Headers.ContentType = openMetrics ? PrometheusText.OpenMetricsContentType : PrometheusText.ContentType;
            response.Headers.CacheControl = "no-store";
            if (isHead)
                return;
            var body = context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
            var text = new PrometheusText(body, openMetrics);
            foreach (var family in PrometheusText.InOrder(registry))
            {
                text.Write(family);
                if (body.UnflushedBytes >= FlushBytes)
                    await body.FlushAsync(gone);
            }

            text.End();
            await body.FlushAsync(gone);
        }
    }
}
