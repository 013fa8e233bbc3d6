using Milena.Broker.Dispatch;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeConfigs (32): the configurations of topics, brokers, groups and client-metrics subscriptions.</summary>
/// <remarks>
/// v1 tells sources and synonyms, v3 types and documentation. A broker answers for itself and for the defaults of all; broker
/// loggers are not served.
/// </remarks>
internal sealed class DescribeConfigsApi(MetadataCache metadata, BrokerConfig config)
    : IApi<DescribeConfigsRequest, DescribeConfigsResponse>
{
    public static VersionRange Versions => new(0, 4);

    public ValueTask<DescribeConfigsResponse?> Handle(DescribeConfigsRequest request, RequestContext context) =>
        new(new DescribeConfigsResponse { Results = [.. request.Resources.Select(resource => Describe(resource, request)) ] });

    private DescribeConfigsResponse.DescribeConfigsResult Describe(
        DescribeConfigsRequest.DescribeConfigsResource resource, DescribeConfigsRequest request)
    {
        var result = new DescribeConfigsResponse.DescribeConfigsResult
        {
            ResourceType = resource.ResourceType,
            ResourceName = resource.ResourceName,
            ErrorMessage = null,
        };
        (result.ErrorCode, result.ErrorMessage, var configs) = Find(resource);
        result.Configs = [.. configs.Select(found => Entry(found, request))];
        return result;
    }

    private (ErrorCode Error, string? Message, IEnumerable<ConfigDescription> Configs) Find(
        DescribeConfigsRequest.DescribeConfigsResource resource)
    {
        var image = metadata.Image;
        var layers = image.ConfigsOf(config);
        var name = resource.ResourceName;
        var names = resource.ConfigurationKeys;
        switch ((ConfigResourceType)resource.ResourceType)
        {
            case ConfigResourceType.Topic when TopicNames.Violation(name) is { } violation:
                return (ErrorCode.InvalidTopicException, violation, []);
            case ConfigResourceType.Topic when !image.Topics.TryGet(name, out _):
                return (ErrorCode.UnknownTopicOrPartition, null, []);
            case ConfigResourceType.Topic:
                return Found(ConfigDescriptions.OfTopic(image.Configs.Of(ConfigResource.Topic(name)), layers, names));
            case ConfigResourceType.Broker when name.Length == 0:
                return Found(ConfigDescriptions.OfAllBrokers(layers, names));
            case ConfigResourceType.Broker when name == config.NodeId.ToString():
                return Found(ConfigDescriptions.OfBroker(layers, names));
            case ConfigResourceType.Broker:
                return (ErrorCode.InvalidRequest, $"Unexpected broker id, expected {config.NodeId} or empty string, but received {name}", []);
            case ConfigResourceType.Group when name.Length == 0:
            case ConfigResourceType.ClientMetrics when name.Length == 0:
                return (ErrorCode.InvalidRequest, "the resource needs a name", []);
            case ConfigResourceType.Group:
                return Found(ConfigDescriptions.OfGroup(image.Configs.Of(ConfigResource.Group(name)), layers, names));
            case ConfigResourceType.ClientMetrics:
                return Found(ConfigDescriptions.OfClientMetrics(image.Configs.Of(new(ConfigResourceType.ClientMetrics, name)), names));
            case ConfigResourceType.BrokerLogger:
                return (ErrorCode.InvalidRequest, "the levels of loggers cannot be described yet", []);
            default:
                return (ErrorCode.InvalidRequest, $"there are no configurations of resource type {resource.ResourceType}", []);
        }

        static (ErrorCode, string?, IEnumerable<ConfigDescription>) Found(IEnumerable<ConfigDescription> configs) =>
            (ErrorCode.None, null, configs);
    }

    private static DescribeConfigsResponse.DescribeConfigsResourceResult Entry(ConfigDescription found, DescribeConfigsRequest request) => new()
    {
        Name = found.Name,
        Value = found.IsSensitive ? null : found.Value,
        ReadOnly = found.IsReadOnly,
        IsDefault = found.Source == ConfigSource.Default,
        ConfigSource = (sbyte)found.Source,
        IsSensitive = found.IsSensitive,
        ConfigType = (sbyte)found.Type,
        Synonyms = request.IncludeSynonyms
            ? [.. found.Synonyms.Select(synonym => new DescribeConfigsResponse.DescribeConfigsSynonym
            {
                Name = synonym.Name,
                Value = synonym.Value,
                Source = (sbyte)synonym.Source,
            })]
            : [],
        Documentation = null,
    };
}
