using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.DescribeConfigsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>
/// DescribeConfigs (32) and ListConfigResources (74), as far as the image and a broker's static configuration answer them. Who
/// may ask, and the levels of loggers, are for the broker that was asked.
/// </summary>
public static class ConfigQueries
{
    /// <summary>
    /// DescribeConfigs (32). A broker describes itself and no other. v0 says only whether a value is a default, v1 where it comes
    /// from and what else it could be; v3 adds the type.
    /// </summary>
    public static DescribeConfigsResponse Describe(MetadataImage image, BrokerConfig config, DescribeConfigsRequest request, short version) => new()
    {
        Results = [.. request.Resources.Select(asked =>
        {
            var resource = new ConfigResource((ConfigResourceType)asked.ResourceType, asked.ResourceName);
            var error = Check(image, config, resource);
            return new DescribeConfigsResult
            {
                ErrorCode = error.Code,
                ErrorMessage = error.Message,
                ResourceType = asked.ResourceType,
                ResourceName = asked.ResourceName,
                Configs = error.IsError
                    ? []
                    : [.. Describe(image, config, resource, asked.ConfigurationKeys).Select(entry => Entry(entry, version, request.IncludeSynonyms))],
            };
        })],
    };

    /// <summary>ListConfigResources (74): what something is set for, and all topics and brokers. v0 knows only client metrics.</summary>
    public static ListConfigResourcesResponse List(MetadataImage image, ListConfigResourcesRequest request)
    {
        ConfigResourceType[] types = request.ResourceTypes.Length > 0
            ? [.. request.ResourceTypes.Select(type => (ConfigResourceType)type)]
            : [ConfigResourceType.Topic, ConfigResourceType.Broker, ConfigResourceType.BrokerLogger, ConfigResourceType.ClientMetrics, ConfigResourceType.Group];
        if (types.Any(type => !Enum.IsDefined(type) || type == ConfigResourceType.Unknown))
            return new ListConfigResourcesResponse { ErrorCode = ErrorCode.UnsupportedVersion };
        return new ListConfigResourcesResponse
        {
            ConfigResources = [.. types.Distinct().SelectMany(type => Names(image, type).Order(StringComparer.Ordinal)
                .Select(name => new ListConfigResourcesResponse.ConfigResource { ResourceName = name, ResourceType = (sbyte)type }))],
        };
    }

    private static IEnumerable<string> Names(MetadataImage image, ConfigResourceType type) => type switch
    {
        ConfigResourceType.Topic => image.Topics.ByName.Keys,
        ConfigResourceType.Broker or ConfigResourceType.BrokerLogger => image.Brokers.Keys.Select(id => id.ToString()),
        _ => image.Configs.ByResource.Keys.Where(resource => resource.Type == type).Select(resource => resource.Name),
    };

    private static ApiError Check(MetadataImage image, BrokerConfig config, ConfigResource resource)
    {
        if (ConfigRequests.CheckName(resource) is { IsError: true } invalid)
            return invalid;
        return resource.Type switch
        {
            ConfigResourceType.Topic when !image.Topics.TryGet(resource.Name, out _) =>
                new ApiError(ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition.Message()),
            ConfigResourceType.Broker when resource.Name != "" && resource.Name != config.NodeId.ToString() => new ApiError(
                ErrorCode.InvalidRequest,
                $"Unexpected broker id, expected {config.NodeId} or empty string, but received {resource.Name}"),
            _ => ApiError.None,
        };
    }

    private static IEnumerable<ConfigDescription> Describe(MetadataImage image, BrokerConfig config, ConfigResource resource, string[]? names)
    {
        var layers = image.ConfigsOf(config);
        var values = image.Configs.Of(resource);
        return resource.Type switch
        {
            ConfigResourceType.Topic => ConfigDescriptions.OfTopic(values, layers, names),
            ConfigResourceType.Group => ConfigDescriptions.OfGroup(values, layers, names),
            ConfigResourceType.ClientMetrics => ConfigDescriptions.OfClientMetrics(values, names),
            _ when resource.Name == "" => ConfigDescriptions.OfAllBrokers(layers, names),
            _ => ConfigDescriptions.OfBroker(layers, names),
        };
    }

    private static DescribeConfigsResourceResult Entry(ConfigDescription entry, short version, bool includeSynonyms) => new()
    {
        Name = entry.Name,
        Value = entry.IsSensitive ? null : entry.Value,
        ReadOnly = entry.IsReadOnly,
        IsDefault = version == 0 && entry.Source == ConfigSource.Default,
        ConfigSource = (sbyte)entry.Source,
        IsSensitive = entry.IsSensitive,
        ConfigType = (sbyte)entry.Type,
        Documentation = null,
        Synonyms = includeSynonyms
            ? [.. entry.Synonyms.Select(value => new DescribeConfigsSynonym { Name = value.Name, Value = value.Value, Source = (sbyte)value.Source })]
            : [],
    };
}
