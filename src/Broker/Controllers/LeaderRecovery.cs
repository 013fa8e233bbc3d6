using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Controllers;

/// <summary>
/// Tells the controller that this broker's leaders that were elected uncleanly have repaired what they can (KIP-704): a leader serves what
/// it has, so that is at once. Until it has said so, no other replica may come into the ISR.
/// </summary>
internal sealed class LeaderRecovery(ControllerService controller, int nodeId, Func<long> brokerEpoch, ILogger<LeaderRecovery> logger)
{
    /// <summary>The broker has acted on a change of the metadata. Returns at once.</summary>
    public void OnActed(MetadataDelta delta)
    {
        var topics = delta.CreatedTopics.Select(topic => Recovering(topic, topic.Partitions.Keys))
            .Concat(delta.ChangedTopics.Select(change => Recovering(change.After, change.Partitions)))
            .Where(topic => topic.Partitions.Length > 0)
            .ToArray();
        if (topics.Length > 0)
            _ = Tell(topics);
    }

    private AlterPartitionRequest.TopicData Recovering(TopicImage topic, IEnumerable<int> numbers) => new()
    {
        TopicId = topic.Id,
        Partitions =
        [
            .. from number in numbers
               let partition = topic.Partitions[number]
               where partition.Leader == nodeId && partition.RecoveryState == LeaderRecoveryState.Recovering
               select new AlterPartitionRequest.PartitionData
               {
                   PartitionIndex = number,
                   LeaderEpoch = partition.LeaderEpoch,
                   PartitionEpoch = partition.PartitionEpoch,
                   LeaderRecoveryState = (sbyte)LeaderRecoveryState.Recovered,
                   NewIsrWithEpochs = [.. partition.Isr.Select(id => new AlterPartitionRequest.BrokerState { BrokerId = id })],
               },
        ],
    };

    private async Task Tell(AlterPartitionRequest.TopicData[] topics)
    {
        await Task.Yield(); // whoever published the metadata is not to wait for more of it
        var request = new AlterPartitionRequest { BrokerId = nodeId, BrokerEpoch = brokerEpoch(), Topics = topics };
        try
        {
            var response = await controller.Execute(
                (decisions, image, _) => decisions.AlterPartition(image, request),
                error => new AlterPartitionResponse { ErrorCode = error });
            if (response.ErrorCode != ErrorCode.None)
                Log.RecoveryNotTold(logger, topics.Sum(topic => topic.Partitions.Length), response.ErrorCode);
        }
        catch (Exception failure) // the edge of a loop: the next change of the partition tells again
        {
            Log.RecoveryNotTold(logger, topics.Sum(topic => topic.Partitions.Length), failure);
        }
    }
}
