using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>WriteTxnMarkers (27): ends transactions in the partitions that this node leads.</summary>
/// <remarks>
/// Sent by the coordinators of other brokers, and by tools that abort a transaction which its coordinator no longer knows. v1 is
/// flexible, v2 tells the version of the transaction. A producer that the partition does not know gets its marker like any other.
/// </remarks>
internal sealed class WriteTxnMarkersApi(IMarkerChannel markers) : IApi<WriteTxnMarkersRequest, WriteTxnMarkersResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<WriteTxnMarkersResponse?> Handle(WriteTxnMarkersRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Markers.Sum(marker => marker.Topics.Sum(topic => topic.PartitionIndexes.Length)));

        // All are appended before the first is waited for, so that they share a sync.
        var writing = Array.ConvertAll(request.Markers, marker => Array.ConvertAll(marker.Topics, topic =>
            Array.ConvertAll(topic.PartitionIndexes, index => Write(marker, new(topic.Name, index)).AsTask())));
        var response = new WriteTxnMarkersResponse { Markers = new WriteTxnMarkersResponse.WritableTxnMarkerResult[writing.Length] };
        for (var m = 0; m < writing.Length; m++)
        {
            var marker = request.Markers[m];
            var topics = new WriteTxnMarkersResponse.WritableTxnMarkerTopicResult[marker.Topics.Length];
            for (var t = 0; t < topics.Length; t++)
            {
                var errors = await Task.WhenAll(writing[m][t]);
                topics[t] = new()
                {
                    Name = marker.Topics[t].Name,
                    Partitions = [.. marker.Topics[t].PartitionIndexes.Zip(errors, static (index, error) =>
                        new WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult { PartitionIndex = index, ErrorCode = error })],
                };
            }

            response.Markers[m] = new() { ProducerId = marker.ProducerId, Topics = topics };
        }

        return response;
    }

    private ValueTask<ErrorCode> Write(WriteTxnMarkersRequest.WritableTxnMarker marker, TopicPartition partition) => markers.WriteAsync(
        partition, marker.ProducerId, marker.ProducerEpoch, marker.CoordinatorEpoch, marker.TransactionResult, marker.TransactionVersion);
}
