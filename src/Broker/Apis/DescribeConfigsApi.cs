using Milena.Broker.Dispatch;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeConfigs (32): the configurations of topics, brokers, groups and client-metrics subscriptions.</summary>
/// <remarks>
/// v1 tells sources and synonyms, v3 types. A broker answers for itself and for the defaults of all. Not served: the levels of
/// broker loggers, and documentation, which is null.
/// </remarks>
internal sealed class DescribeConfigsApi(MetadataCache metadata, BrokerConfig config)
    : IApi<DescribeConfigsRequest, DescribeConfigsResponse>
{
    public static VersionRange Versions => new(0, 4);

    public ValueTask<DescribeConfigsResponse?> Handle(DescribeConfigsRequest request, RequestContext context) =>
        new(ConfigQueries.Describe(metadata.Image, config, request, context.Version));
}
