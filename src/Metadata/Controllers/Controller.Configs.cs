using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>AlterConfigs (33) and IncrementalAlterConfigs (44).</summary>
/// <remarks>
/// A resource is altered whole or not at all. The levels of a broker's loggers are not in the log: the broker that is asked sees
/// to them itself and sends the rest here.
/// </remarks>
public sealed partial class Controller
{
    private const string MinInsyncReplicas = "min.insync.replicas";

    /// <summary>IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single values.</summary>
    public Decision<IncrementalAlterConfigsResponse, IMetadataRecord> IncrementalAlterConfigs(
        MetadataImage image, IncrementalAlterConfigsRequest request, ControllerContext context)
    {
        var records = new List<IMetadataRecord>();
        var responses = new List<IncrementalAlterConfigsResponse.AlterConfigsResourceResponse>();
        foreach (var resources in request.Resources.GroupBy(resource => new ConfigResource((ConfigResourceType)resource.ResourceType, resource.ResourceName)))
        {
            var error = ConfigRequests.Check(resources.Key, resources.Count(), [.. resources.First().Configs.Select(change => change.Name)]);
            if (!error.IsError)
                error = Altered(image, resources.Key, resources.First().Configs, out var values) is { IsError: true } invalid
                    ? invalid
                    : Alter(image, resources.Key, values, context, resources.First().Configs.Select(change => change.Name), records);
            responses.Add(new() { ErrorCode = error.Code, ErrorMessage = error.Message, ResourceType = (sbyte)resources.Key.Type, ResourceName = resources.Key.Name });
        }

        var response = new IncrementalAlterConfigsResponse { Responses = [.. responses] };
        if (records.Count > RecordsPerRequestMax)
        {
            responses.ForEach(refused => (refused.ErrorCode, refused.ErrorMessage) = (TooManyRecords.Code, TooManyRecords.Message));
            return new(response);
        }

        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    /// <summary>AlterConfigs (33): replaces everything that is set for a resource; what is not named is removed.</summary>
    public Decision<AlterConfigsResponse, IMetadataRecord> AlterConfigs(
        MetadataImage image, AlterConfigsRequest request, ControllerContext context)
    {
        var records = new List<IMetadataRecord>();
        var responses = new List<AlterConfigsResponse.AlterConfigsResourceResponse>();
        foreach (var resources in request.Resources.GroupBy(resource => new ConfigResource((ConfigResourceType)resource.ResourceType, resource.ResourceName)))
        {
            var configs = resources.First().Configs;
            var error = ConfigRequests.Check(resources.Key, resources.Count(), [.. configs.Select(change => change.Name)]);
            var nulls = string.Join(",", configs.Where(change => change.Value is null).Select(change => change.Name));
            if (!error.IsError && nulls != "")
                error = new ApiError(ErrorCode.InvalidRequest, $"Null value not supported for : {nulls}");
            if (!error.IsError)
            {
                var values = configs.ToImmutableSortedDictionary(change => change.Name, change => change.Value!, StringComparer.Ordinal);
                // With eligible leaders the cluster's minimum of in-sync replicas cannot go, so leaving it out keeps it.
                var before = image.Configs.Of(resources.Key);
                if (image.Features.HasEligibleLeaders && resources.Key == ConfigResource.AllBrokers && !values.ContainsKey(MinInsyncReplicas)
                    && before.TryGetValue(MinInsyncReplicas, out var minimum))
                {
                    values = values.Add(MinInsyncReplicas, minimum);
                }

                error = Alter(image, resources.Key, values, context, values.Keys.Union(before.Keys), records);
            }

            responses.Add(new() { ErrorCode = error.Code, ErrorMessage = error.Message, ResourceType = (sbyte)resources.Key.Type, ResourceName = resources.Key.Name });
        }

        var response = new AlterConfigsResponse { Responses = [.. responses] };
        if (records.Count > RecordsPerRequestMax)
        {
            responses.ForEach(refused => (refused.ErrorCode, refused.ErrorMessage) = (TooManyRecords.Code, TooManyRecords.Message));
            return new(response);
        }

        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    // What would be set for the resource after the operations.
    private ApiError Altered(
        MetadataImage image,
        ConfigResource resource,
        IncrementalAlterConfigsRequest.AlterableConfig[] changes,
        out ImmutableSortedDictionary<string, string> values)
    {
        values = image.Configs.Of(resource);
        var nulls = string.Join(",", changes.Where(change => change.Value is null && change.ConfigOperation != ConfigRequests.Delete).Select(change => change.Name));
        if (nulls != "")
            return new ApiError(ErrorCode.InvalidRequest, $"Null value not supported for : {nulls}");
        foreach (var change in changes)
        {
            if (change.ConfigOperation is ConfigRequests.Append or ConfigRequests.Subtract && ConfigRequests.Find(resource.Type, change.Name)?.Type != ConfigType.List)
            {
                var operation = change.ConfigOperation == ConfigRequests.Append ? "APPEND" : "SUBTRACT";
                return new ApiError(ErrorCode.InvalidConfig, $"Can't {operation} to key {change.Name} because its type is not LIST.");
            }

            switch (change.ConfigOperation)
            {
                case ConfigRequests.Set:
                    values = values.SetItem(change.Name, change.Value!);
                    break;
                case ConfigRequests.Delete:
                    values = values.Remove(change.Name);
                    break;
                case ConfigRequests.Append:
                    values = values.SetItem(change.Name, string.Join(',', Parts(image, resource, change.Name).Union(ConfigText.SplitList(change.Value))));
                    break;
                case ConfigRequests.Subtract:
                    values = values.SetItem(change.Name, string.Join(',', Parts(image, resource, change.Name).Except(ConfigText.SplitList(change.Value))));
                    break;
                default:
                    return new ApiError(ErrorCode.InvalidRequest, $"Unknown operation {change.ConfigOperation} for {change.Name}.");
            }
        }

        return ApiError.None;
    }

    // Where nothing is set, what would be in force is appended to.
    private string[] Parts(MetadataImage image, ConfigResource resource, string name)
    {
        if (image.Configs.Of(resource).TryGetValue(name, out var text))
            return ConfigText.SplitList(text);
        var layers = image.ConfigsOf(config);
        return resource.Type switch
        {
            ConfigResourceType.Topic => (string[])TopicConfig.InForce(name, image.Configs.Of(resource), layers)!,
            ConfigResourceType.Broker when config.Find(name) is not null => layers.Value(name) as string[] ?? [],
            _ => ConfigText.SplitList(ConfigRequests.Find(resource.Type, name)?.Default),
        };
    }

    private ApiError Alter(
        MetadataImage image,
        ConfigResource resource,
        ImmutableSortedDictionary<string, string> values,
        ControllerContext context,
        IEnumerable<string> touched,
        List<IMetadataRecord> records)
    {
        if (CheckValues(image, resource, values) is { IsError: true } invalid)
            return invalid;
        if (CheckExistence(image, resource, context) is { IsError: true } missing)
            return missing;
        var before = image.Configs.Of(resource);
        foreach (var name in touched.Distinct())
        {
            // A broker reads again what a value points to (a keystore) when it is set once more.
            if (before.GetValueOrDefault(name) != values.GetValueOrDefault(name) || resource.Type == ConfigResourceType.Broker)
                records.Add(ConfigChange(resource, name, values.GetValueOrDefault(name)));
        }

        records.AddRange(ClearedEligibleLeaders(image, resource, values));
        return ApiError.None;
    }

    private ApiError CheckValues(MetadataImage image, ConfigResource resource, ImmutableSortedDictionary<string, string> values)
    {
        var layers = image.ConfigsOf(config);
        var (code, violation) = resource.Type switch
        {
            ConfigResourceType.Topic => (ErrorCode.InvalidConfig, TopicConfigs.Violation(values, layers)),
            ConfigResourceType.Group => (ErrorCode.InvalidConfig, GroupConfigs.Violation(values, layers)),
            ConfigResourceType.ClientMetrics => (ErrorCode.InvalidConfig, ClientMetricsConfigs.Violation(values)),
            _ => (ErrorCode.InvalidRequest, DynamicBrokerConfigs.Violation(values, isForOneBroker: resource.Name != "")),
        };
        if (violation is not null)
            return new ApiError(code, violation);
        if (resource.Type != ConfigResourceType.Broker || !image.Features.HasEligibleLeaders)
            return ApiError.None;
        // KIP-966: all brokers must count with the same minimum.
        if (resource.Name != "" && values.ContainsKey(MinInsyncReplicas))
            return new ApiError(ErrorCode.InvalidConfig, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        return resource.Name == "" && !values.ContainsKey(MinInsyncReplicas) && image.Configs.Of(resource).ContainsKey(MinInsyncReplicas)
            ? new ApiError(ErrorCode.InvalidConfig, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
            : ApiError.None;
    }

    private static ApiError CheckExistence(MetadataImage image, ConfigResource resource, ControllerContext context)
    {
        switch (resource.Type)
        {
            case ConfigResourceType.Topic when !context.Access.MayAlter(resource.Name):
                return ApiError.NotAuthorized;
            case ConfigResourceType.Topic when !image.Topics.TryGet(resource.Name, out _):
                return new ApiError(ErrorCode.UnknownTopicOrPartition, $"The topic '{resource.Name}' does not exist.");
            case ConfigResourceType.Broker when resource.Name != "":
                var id = int.Parse(resource.Name);
                return image.Brokers.ContainsKey(id) || image.Controllers.ContainsKey(id)
                    ? ApiError.None
                    : new ApiError(ErrorCode.BrokerIdNotRegistered, $"No node with id {id} found.");
            default:
                return ApiError.None;
        }
    }

    // KIP-966: a smaller minimum would make replicas eligible that were not when they left.
    private static IEnumerable<IMetadataRecord> ClearedEligibleLeaders(
        MetadataImage image, ConfigResource resource, ImmutableSortedDictionary<string, string> values)
    {
        var isChanged = image.Configs.Of(resource).GetValueOrDefault(MinInsyncReplicas) != values.GetValueOrDefault(MinInsyncReplicas);
        if (!isChanged || !image.Features.HasEligibleLeaders)
            return [];
        return resource.Type switch
        {
            ConfigResourceType.Topic => [new ClearElrRecord { TopicName = resource.Name }],
            ConfigResourceType.Broker => [new ClearElrRecord { TopicName = "" }],
            _ => [],
        };
    }

    private static ConfigRecord ConfigChange(ConfigResource resource, string name, string? value) => new()
    {
        ResourceType = (sbyte)resource.Type,
        ResourceName = resource.Name,
        Name = name,
        Value = value,
    };
}
