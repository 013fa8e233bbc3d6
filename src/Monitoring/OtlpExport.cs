using Milena.Metrics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Milena.Monitoring;

/// <summary>
/// Sends metrics to a collector of OpenTelemetry (OTLP), by OpenTelemetry's own exporter, whose environment variables hold
/// (<c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, <c>OTEL_METRIC_EXPORT_INTERVAL</c>, <c>OTEL_RESOURCE_ATTRIBUTES</c> and the like).
/// </summary>
public sealed class OtlpExport : IDisposable
{
    /// <summary>The runtime's own metrics.</summary>
    private const string RuntimeMeter = "System.Runtime";

    // The exporter sets memory aside for as many members of a family as there may be; a histogram without tags has six percentiles.
    private const int SingleMax = 16;
    private const int MembersMax = 2000;

    private readonly MeterProvider provider;

    /// <param name="registry">What is sent.</param>
    /// <param name="endpoint">Where to; null for what the environment says.</param>
    /// <param name="nodeId">Which node this is.</param>
    /// <param name="version">The version of the program.</param>
    public OtlpExport(MetricRegistry registry, Uri? endpoint, int nodeId, string version)
    {
        var single = registry.Families.Where(family => family.TagNames.Count == 0).SelectMany(MetricRegistry.InstrumentsOf).ToHashSet();
        provider = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService("milena", serviceVersion: version, serviceInstanceId: $"{nodeId}"))
            .AddMeter(MetricRegistry.MeterName, RuntimeMeter)
            .AddView(instrument => new MetricStreamConfiguration { CardinalityLimit = single.Contains(instrument.Name) ? SingleMax : MembersMax })
            .AddOtlpExporter(options =>
            {
                if (endpoint is not null)
                    options.Endpoint = At(endpoint, options.Protocol);
            })
            .Build();
    }

    /// <summary>Sends what there is now; false if it could not be sent.</summary>
    public bool Flush() => provider.ForceFlush();

    /// <summary>Sends for the last time.</summary>
    public void Dispose() => provider.Dispose();

    // By HTTP, metrics have a path of their own, which whoever names a host does not want to write.
    private static Uri At(Uri endpoint, OtlpExportProtocol protocol) =>
        protocol == OtlpExportProtocol.HttpProtobuf && endpoint.AbsolutePath == "/" ? new Uri(endpoint, "v1/metrics") : endpoint;
}
