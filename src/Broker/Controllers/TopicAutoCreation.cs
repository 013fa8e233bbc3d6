using Microsoft.Extensions.Logging;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Controllers;

/// <summary>Creates topics that a client spoke of or a coordinator needs, and waits, within a bound, until they can be used.</summary>
internal sealed class TopicAutoCreation(ControllerService controller, BrokerConfig config, TimeProvider time, ILogger<TopicAutoCreation> logger)
{
    /// <summary>How long a client is kept waiting for a topic that it did not ask to create.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    /// <summary><c>auto.create.topics.enable</c>.</summary>
    public bool IsEnabled { get; } = config.GetBool("auto.create.topics.enable");

    /// <summary>
    /// Creates the topics that are not there, and returns why for those that could not be. A topic that somebody else was
    /// quicker to create is no error. Past the bound the answer is LEADER_NOT_AVAILABLE.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, ErrorCode>> Create(IReadOnlyCollection<string> names, CancellationToken aborted, Func<int, bool>? takeMutations = null)
    {
        var request = new CreateTopicsRequest { Topics = [.. names.Select(name => InternalTopics.Creation(name, config))] };
        CreateTopicsResponse response;
        try
        {
            // Answered when the topics are committed and this broker acts on them: their leaders are known then.
            response = await controller.Execute(
                (decisions, image, context) => decisions.CreateTopics(image, request, context),
                error => new CreateTopicsResponse
                {
                    Topics = [.. names.Select(name => new CreateTopicsResponse.CreatableTopicResult { Name = name, ErrorCode = error })],
                },
                takeMutations: takeMutations).AsTask().WaitAsync(WaitMax, time, aborted);
        }
        catch (TimeoutException)
        {
            return names.ToDictionary(name => name, _ => ErrorCode.LeaderNotAvailable);
        }

        var errors = new Dictionary<string, ErrorCode>();
        var refused = new List<CreateTopicsResponse.CreatableTopicResult>();
        foreach (var topic in response.Topics)
        {
            if (topic.ErrorCode is ErrorCode.None or ErrorCode.TopicAlreadyExists)
                continue;
            errors[topic.Name] = topic.ErrorCode == ErrorCode.NotController ? ErrorCode.LeaderNotAvailable : topic.ErrorCode;
            if (topic.ErrorCode != ErrorCode.InvalidTopicException)
                refused.Add(topic);
        }

        // One line, however many a client asks for.
        if (refused is [var first, ..])
            Log.TopicNotCreated(logger, first.Name, refused.Count - 1, first.ErrorCode, first.ErrorMessage);

        return errors;
    }
}
