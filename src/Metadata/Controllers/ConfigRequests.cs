using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;

namespace Milena.Metadata.Controllers;

/// <summary>What requests about configurations have in common.</summary>
internal static class ConfigRequests
{
    public const sbyte Set = 0;
    public const sbyte Delete = 1;
    public const sbyte Append = 2;
    public const sbyte Subtract = 3;

    /// <summary>Whether the resource can be asked for at all, and each of its configurations is named once.</summary>
    public static ApiError Check(ConfigResource resource, int timesNamed, string[] names)
    {
        if (timesNamed > 1)
            return new ApiError(ErrorCode.InvalidRequest, "Each resource must appear at most once.");
        if (names.Distinct().Count() < names.Length)
            return new ApiError(ErrorCode.InvalidRequest, "Error due to duplicate config keys");
        return CheckName(resource);
    }

    /// <summary>Whether a resource can have that name.</summary>
    public static ApiError CheckName(ConfigResource resource) => resource.Type switch
    {
        ConfigResourceType.Topic when resource.Name == "" => new ApiError(ErrorCode.InvalidRequest, "Default topic resources are not allowed."),
        ConfigResourceType.Topic => TopicNames.Violation(resource.Name) is { } violation
            ? new ApiError(ErrorCode.InvalidTopicException, violation)
            : ApiError.None,
        ConfigResourceType.Broker when resource.Name == "" => ApiError.None,
        ConfigResourceType.Broker when !int.TryParse(resource.Name, out var id) || id.ToString() != resource.Name =>
            new ApiError(ErrorCode.InvalidRequest, "Unable to parse broker name as a base 10 number."),
        ConfigResourceType.Broker when resource.Name[0] == '-' => new ApiError(ErrorCode.InvalidRequest, "Invalid negative broker ID."),
        ConfigResourceType.Broker => ApiError.None,
        ConfigResourceType.ClientMetrics when resource.Name == "" =>
            new ApiError(ErrorCode.InvalidRequest, "Default client metrics resources are not allowed."),
        ConfigResourceType.Group when resource.Name == "" => new ApiError(ErrorCode.InvalidRequest, "Default group resources are not allowed."),
        ConfigResourceType.ClientMetrics or ConfigResourceType.Group => ApiError.None,
        _ => new ApiError(ErrorCode.InvalidRequest, $"Unexpected resource type {resource.Type}."),
    };

    /// <summary>The definition of a configuration of that type of resource, or null.</summary>
    public static ConfigDef? Find(ConfigResourceType type, string name) => type switch
    {
        ConfigResourceType.Topic => ConfigTable.Find(ConfigScope.Topic, name),
        ConfigResourceType.Broker => DynamicBrokerConfigs.Find(name),
        ConfigResourceType.Group => ConfigTable.Find(ConfigScope.Group, name),
        ConfigResourceType.ClientMetrics => ConfigTable.Find(ConfigScope.ClientMetrics, name),
        _ => null,
    };
}
