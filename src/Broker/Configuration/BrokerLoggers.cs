using Microsoft.Extensions.Logging;
using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.DescribeConfigsResponse;
using static Milena.Protocol.Messages.IncrementalAlterConfigsRequest;

namespace Milena.Broker.Configuration;

/// <summary>
/// The configurations of type BROKER_LOGGER (KIP-412): what this broker's loggers write. They are not in the metadata log, hold at once,
/// and are gone when the process ends.
/// </summary>
/// <param name="nodeId">This broker.</param>
/// <param name="levels">The loggers; null if somebody else sees to them.</param>
internal sealed class BrokerLoggers(int nodeId, ILogLevels? levels)
{
    private const sbyte Set = 0;
    private const sbyte Delete = 1;
    private const sbyte Append = 2;
    private const sbyte Subtract = 3;

    // Kafka's names, which are log4j's.
    private static readonly (string Name, LogLevel Level)[] Names =
    [
        ("TRACE", LogLevel.Trace), ("DEBUG", LogLevel.Debug), ("INFO", LogLevel.Information), ("WARN", LogLevel.Warning),
        ("ERROR", LogLevel.Error), ("FATAL", LogLevel.Critical), ("OFF", LogLevel.None),
    ];

    /// <summary>All loggers with their levels, or those of some names.</summary>
    public DescribeConfigsResult Describe(DescribeConfigsRequest.DescribeConfigsResource asked)
    {
        var (error, message) = CheckNode(asked.ResourceName);
        return new DescribeConfigsResult
        {
            ErrorCode = error,
            ErrorMessage = message,
            ResourceType = asked.ResourceType,
            ResourceName = asked.ResourceName,
            Configs = error != ErrorCode.None || levels is null
                ? []
                : [.. levels.Levels
                    .Where(logger => asked.ConfigurationKeys is null || asked.ConfigurationKeys.Contains(logger.Key))
                    .OrderBy(logger => logger.Key, StringComparer.Ordinal)
                    .Select(logger => new DescribeConfigsResourceResult
                    {
                        Name = logger.Key,
                        Value = Array.Find(Names, name => name.Level == logger.Value).Name,
                        ConfigSource = (sbyte)ConfigSource.DynamicBrokerLogger,
                        ConfigType = (sbyte)ConfigType.String,
                        Documentation = null,
                    })],
        };
    }

    /// <summary>Sets and takes away levels, all that are named or none.</summary>
    public (ErrorCode Error, string? Message) Alter(string resourceName, AlterableConfig[] changes, bool validateOnly)
    {
        if (CheckNode(resourceName) is (not ErrorCode.None, _) refused)
            return refused;
        if (changes.DistinctBy(change => change.Name).Count() < changes.Length)
            return (ErrorCode.InvalidRequest, "Error due to duplicate config keys");
        foreach (var change in changes)
        {
            if (Check(change) is (not ErrorCode.None, _) wrong)
                return wrong;
        }

        foreach (var change in validateOnly ? [] : changes)
            levels!.Set(change.Name, change.ConfigOperation == Delete ? null : LevelOf(change.Value));
        return (ErrorCode.None, null);
    }

    private (ErrorCode Error, string? Message) Check(AlterableConfig change) => change.ConfigOperation switch
    {
        Append or Subtract =>
            (ErrorCode.InvalidRequest, $"{(change.ConfigOperation == Append ? "APPEND" : "SUBTRACT")} operation is not allowed for the BROKER_LOGGER resource"),
        not (Set or Delete) =>
            (ErrorCode.InvalidRequest, $"Unknown operation type {change.ConfigOperation} is not allowed for the BROKER_LOGGER resource"),
        _ when levels?.Levels.ContainsKey(change.Name) != true => (ErrorCode.InvalidConfig, $"Logger {change.Name} does not exist!"),
        Delete when change.Name == ILogLevels.Root =>
            (ErrorCode.InvalidRequest, $"Removing the log level of the {ILogLevels.Root} logger is not allowed"),
        Set when LevelOf(change.Value) is null => (
            ErrorCode.InvalidConfig,
            $"Cannot set the log level of {change.Name} to {change.Value} as it is not a supported log level. "
                + $"Valid log levels are {string.Join(", ", Names.Select(name => name.Name))}"),
        _ => (ErrorCode.None, null),
    };

    private (ErrorCode Error, string? Message) CheckNode(string name)
    {
        if (!int.TryParse(name, out var id))
            return (ErrorCode.InvalidRequest, $"Node id must be an integer, but it is: {name}");
        return id == nodeId ? (ErrorCode.None, null) : (ErrorCode.InvalidRequest, $"Unexpected broker id, expected {nodeId} but received {name}");
    }

    private static LogLevel? LevelOf(string? text) => Array.FindIndex(Names, name => name.Name == text) is >= 0 and var index ? Names[index].Level : null;
}
