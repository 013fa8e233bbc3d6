using Milena.Broker.Configuration;
using Milena.Broker.Dispatch;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeConfigs (32): the configurations of topics, brokers, loggers, groups and client-metrics subscriptions.</summary>
/// <remarks>
/// v1 tells sources and synonyms, v3 types and documentation. A broker answers for itself and for the defaults of all, once for
/// each resource; what cannot change while it runs (<see cref="ConfigSupport.IsActedOnAtOnce"/>) is read-only. The levels of its loggers
/// are configurations too (<see cref="BrokerLoggers"/>).
/// </remarks>
internal sealed class DescribeConfigsApi(MetadataCache metadata, BrokerConfig config, BrokerLoggers loggers)
    : IApi<DescribeConfigsRequest, DescribeConfigsResponse>
{
    public static VersionRange Versions => new(0, 4);

    public ValueTask<DescribeConfigsResponse?> Handle(DescribeConfigsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Resources.Length);
        request.Resources = [.. request.Resources.DistinctBy(resource => (resource.ResourceType, resource.ResourceName))];
        var response = ConfigQueries.Describe(metadata.Image, config, request, context.Version);
        for (var i = 0; i < response.Results.Length; i++)
        {
            if ((ConfigResourceType)request.Resources[i].ResourceType == ConfigResourceType.BrokerLogger)
                response.Results[i] = loggers.Describe(request.Resources[i]);
        }

        foreach (var resource in response.Results)
        {
            var scope = (ConfigResourceType)resource.ResourceType switch
            {
                ConfigResourceType.Topic => ConfigScope.Topic,
                ConfigResourceType.Broker => ConfigScope.Broker,
                ConfigResourceType.Group => ConfigScope.Group,
                _ => ConfigScope.ClientMetrics,
            };
            foreach (var entry in resource.Configs)
            {
                entry.ReadOnly |= scope == ConfigScope.Broker && !ConfigSupport.IsActedOnAtOnce(entry.Name);
                if (request.IncludeDocumentation && ConfigTable.Find(scope, entry.Name) is { } def)
                    entry.Documentation = ConfigDocumentation.Of(def);
            }
        }

        return new(response);
    }
}
