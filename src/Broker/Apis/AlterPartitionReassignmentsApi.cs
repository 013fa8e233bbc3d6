using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>AlterPartitionReassignments (45): gives partitions other replicas, or takes that back.</summary>
/// <remarks>v1 can forbid that the number of replicas changes (KIP-860).</remarks>
internal sealed class AlterPartitionReassignmentsApi(ControllerService controller)
    : IApi<AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>
{
    public static VersionRange Versions => new(0, 1);

    public async ValueTask<AlterPartitionReassignmentsResponse?> Handle(AlterPartitionReassignmentsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics.Sum(topic => topic.Partitions.Length));
        return await controller.Execute(
            (decisions, image, _) => decisions.AlterPartitionReassignments(image, request),
            error => new AlterPartitionReassignmentsResponse { ErrorCode = error, ErrorMessage = error.Message() },
            context.Version);
    }
}
