using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.CreateTopicsRequest;
using static Milena.Protocol.Messages.CreateTopicsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>CreateTopics (19).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// CreateTopics (19): creates each topic for which nothing is wrong. All records of a request are one batch: the topic's, its
    /// configurations', its partitions'. From v4 on -1 partitions or replicas mean the controller's default; from v5 on the answer
    /// tells what was created; from v7 on its id.
    /// </summary>
    public Decision<CreateTopicsResponse, IMetadataRecord> CreateTopics(
        MetadataImage image, CreateTopicsRequest request, ControllerContext context)
    {
        if (request.Topics.Sum(PartitionCount) > PartitionsPerRequestMax)
            return new(new CreateTopicsResponse { Topics = [.. request.Topics.Select(topic => Refused(topic.Name, TooManyPartitions))] });

        var records = new List<IMetadataRecord>();
        var results = new List<CreatableTopicResult>();
        var createdNames = new HashSet<string>(StringComparer.Ordinal);
        foreach (var topics in request.Topics.GroupBy(topic => topic.Name, StringComparer.Ordinal))
        {
            var created = new List<IMetadataRecord>();
            var error = CheckName(image, topics, createdNames, context);
            var result = new CreatableTopicResult { Name = topics.Key, ErrorMessage = null };
            if (!error.IsError)
                error = CreateTopic(image, topics.First(), context, result, created);
            results.Add(error.IsError ? Refused(topics.Key, error) : result);
            if (error.IsError)
                continue;
            records.AddRange(created);
            createdNames.Add(TopicNames.Collapse(topics.Key));
            if (records.Count > RecordsPerRequestMax)
                return new(new CreateTopicsResponse { Topics = [.. request.Topics.DistinctBy(topic => topic.Name).Select(topic => Refused(topic.Name, TooManyRecords))] });
        }

        var response = new CreateTopicsResponse { Topics = [.. results] };
        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    private long PartitionCount(CreatableTopic topic) => topic switch
    {
        { Assignments.Length: > 0 and var assigned } => assigned,
        { NumPartitions: -1 } => config.GetInt("num.partitions"),
        _ => Math.Max(topic.NumPartitions, 0),
    };

    private static ApiError CheckName(
        MetadataImage image, IGrouping<string, CreatableTopic> topics, HashSet<string> createdNames, ControllerContext context)
    {
        var name = topics.Key;
        if (topics.Count() > 1)
            return new ApiError(ErrorCode.InvalidRequest, "Duplicate topic name.");
        if (name == TopicNames.ClusterMetadata || !context.Access.MayCreate(name))
            return ApiError.NotAuthorized;
        if (image.Topics.TryGet(name, out _))
            return new ApiError(ErrorCode.TopicAlreadyExists, $"Topic '{name}' already exists.");
        if (TopicNames.Violation(name) is { } violation)
            return new ApiError(ErrorCode.InvalidTopicException, violation);
        if (image.Topics.FindColliding(name) is { } other)
            return new ApiError(ErrorCode.InvalidTopicException, $"Topic '{name}' collides with existing topic: {other}");
        return createdNames.Contains(TopicNames.Collapse(name))
            ? new ApiError(ErrorCode.InvalidTopicException, $"Topic '{name}' collides with another topic of the request")
            : ApiError.None;
    }

    private ApiError CreateTopic(
        MetadataImage image, CreatableTopic topic, ControllerContext context, CreatableTopicResult result, List<IMetadataRecord> records)
    {
        if (CheckConfigs(image, topic, out var configs) is { IsError: true } invalid)
            return invalid;
        if (PlacePartitions(image, topic, context, out var partitions) is { IsError: true } unplaced)
            return unplaced;
        if (!context.TakeMutations(partitions.Count))
            return ApiError.Throttled;

        var id = Uuid.Next(context.Random);
        var level = image.Features.MetadataVersion;
        records.Add(new TopicRecord { Name = topic.Name, TopicId = id });
        records.AddRange(configs.Select(pair => ConfigChange(ConfigResource.Topic(topic.Name), pair.Key, pair.Value)));
        records.AddRange(partitions.Select(pair => pair.Value.ToRecord(id, pair.Key, level)));

        result.TopicId = id;
        if (!context.Access.MayDescribeConfigs(topic.Name))
        {
            result.TopicConfigErrorCode = ErrorCode.TopicAuthorizationFailed;
            return ApiError.None;
        }

        result.NumPartitions = partitions.Count;
        result.ReplicationFactor = (short)partitions[0].Replicas.Length;
        result.Configs = [.. ConfigDescriptions.OfTopic(configs, image.ConfigsOf(config)).Select(Created)];
        return ApiError.None;
    }

    private ApiError CheckConfigs(MetadataImage image, CreatableTopic topic, out ImmutableSortedDictionary<string, string> configs)
    {
        configs = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);
        var nulls = topic.Configs.Where(pair => pair.Value is null).Select(pair => pair.Name).ToArray();
        if (nulls.Length > 0)
            return new ApiError(ErrorCode.InvalidConfig, $"Null value not supported for topic configs: {string.Join(",", nulls)}");
        foreach (var pair in topic.Configs)
            configs = configs.SetItem(pair.Name, pair.Value!);
        return TopicConfigs.Violation(configs, image.ConfigsOf(config)) is { } violation
            ? new ApiError(ErrorCode.InvalidConfig, violation)
            : ApiError.None;
    }

    private ApiError PlacePartitions(
        MetadataImage image, CreatableTopic topic, ControllerContext context, out SortedDictionary<int, PartitionImage> partitions)
    {
        partitions = [];
        if (topic.Assignments.Length > 0)
            return AssignPartitions(image, topic, out partitions);
        if (topic.ReplicationFactor is < -1 or 0)
            return new ApiError(ErrorCode.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.");
        if (topic.NumPartitions is < -1 or 0)
            return new ApiError(ErrorCode.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.");
        var replicationFactor = topic.ReplicationFactor == -1 ? config.GetInt("default.replication.factor") : topic.ReplicationFactor;
        return NewPartitions.Placed(
            image, UsableBrokers(image), 0, (int)PartitionCount(topic), replicationFactor, context.Random, out partitions);
    }

    private static ApiError AssignPartitions(MetadataImage image, CreatableTopic topic, out SortedDictionary<int, PartitionImage> partitions)
    {
        partitions = [];
        if (topic.ReplicationFactor != -1)
            return new ApiError(ErrorCode.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.");
        if (topic.NumPartitions != -1)
            return new ApiError(ErrorCode.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.");
        var assignments = topic.Assignments.Select(assignment => (assignment.PartitionIndex, assignment.BrokerIds));
        if (NewPartitions.Assigned(image, assignments, replicationFactor: null, out partitions) is { IsError: true } error)
            return error;
        return partitions.Keys.SequenceEqual(Enumerable.Range(0, partitions.Count))
            ? ApiError.None
            : new ApiError(ErrorCode.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence");
    }

    private static CreatableTopicConfigs Created(ConfigDescription description) => new()
    {
        Name = description.Name,
        Value = description.Value,
        ReadOnly = description.IsReadOnly,
        ConfigSource = (sbyte)description.Source,
        IsSensitive = description.IsSensitive,
    };

    private static CreatableTopicResult Refused(string name, ApiError error) => new()
    {
        Name = name,
        ErrorCode = error.Code,
        ErrorMessage = error.Message,
    };
}
