using Milena.Broker.Dispatch;
using Milena.Metadata.Controllers;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ListPartitionReassignments (46): which partitions are on their way to other replicas.</summary>
internal sealed class ListPartitionReassignmentsApi(MetadataCache metadata)
    : IApi<ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse>
{
    public static VersionRange Versions => new(0, 0);

    public ValueTask<ListPartitionReassignmentsResponse?> Handle(ListPartitionReassignmentsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics?.Sum(topic => topic.PartitionIndexes.Length) ?? 0);
        return new(ReassignmentQueries.List(metadata.Image, request));
    }
}
