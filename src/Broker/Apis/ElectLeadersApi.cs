using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.ElectLeadersResponse;

namespace Milena.Broker.Apis;

/// <summary>ElectLeaders (43): makes the preferred replicas the leaders, or any where nobody leads.</summary>
/// <remarks>v1 can ask for an unclean election and has an error of its own (KIP-460).</remarks>
internal sealed class ElectLeadersApi(ControllerService controller) : IApi<ElectLeadersRequest, ElectLeadersResponse>
{
    private const short OwnErrorFrom = 1;

    public static VersionRange Versions => new(0, 2);

    public async ValueTask<ElectLeadersResponse?> Handle(ElectLeadersRequest request, RequestContext context)
    {
        RequestLimits.Check(request.TopicPartitions?.Sum(topic => topic.Partitions.Length) ?? 0);
        var response = await controller.Execute(
            (decisions, image, _) => decisions.ElectLeaders(image, request),
            error => new ElectLeadersResponse { ErrorCode = error },
            context.Version);
        return response.ErrorCode == ErrorCode.None || context.Version >= OwnErrorFrom ? response : PerPartition(request, response.ErrorCode);
    }

    private static ElectLeadersResponse PerPartition(ElectLeadersRequest request, ErrorCode error) => new()
    {
        ReplicaElectionResults =
        [
            .. (request.TopicPartitions ?? []).Select(topic => new ReplicaElectionResult
            {
                Topic = topic.Topic,
                PartitionResult = [.. topic.Partitions.Select(id => new PartitionResult { PartitionId = id, ErrorCode = error })],
            }),
        ],
    };
}
