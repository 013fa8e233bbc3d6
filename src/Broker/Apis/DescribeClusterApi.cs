using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeCluster (60): the cluster's id and its brokers.</summary>
/// <remarks>
/// v1 asks for brokers (1) or controllers (2); a broker's listener tells brokers. v2 can include fenced brokers.
/// </remarks>
internal sealed class DescribeClusterApi(MetadataCache metadata, string clusterId)
    : IApi<DescribeClusterRequest, DescribeClusterResponse>
{
    private const sbyte Brokers = 1;
    private const sbyte Controllers = 2;

    public static VersionRange Versions => new(0, 2);

    public ValueTask<DescribeClusterResponse?> Handle(DescribeClusterRequest request, RequestContext context)
    {
        if (request.EndpointType != Brokers)
        {
            return new(new DescribeClusterResponse
            {
                ErrorCode = request.EndpointType == Controllers ? ErrorCode.MismatchedEndpointType : ErrorCode.UnsupportedEndpointType,
                ErrorMessage = "this listener tells of brokers (endpoint type 1)",
                EndpointType = Brokers,
            });
        }

        var image = metadata.Image;
        var brokers = image.Brokers.Values
            .Where(broker => !broker.IsFenced || request.IncludeFencedBrokers)
            .Select(broker => (broker, Endpoint: broker.EndpointOf(context.ListenerName)))
            .Where(item => item.Endpoint is not null)
            .ToArray();
        return new(new DescribeClusterResponse
        {
            EndpointType = Brokers,
            ClusterId = clusterId,
            ControllerId = brokers.Length > 0 ? brokers[0].broker.Id : -1,
            Brokers =
            [
                .. brokers.Select(item => new DescribeClusterResponse.DescribeClusterBroker
                {
                    BrokerId = item.broker.Id,
                    Host = item.Endpoint!.Host,
                    Port = item.Endpoint.Port,
                    Rack = item.broker.Rack,
                    IsFenced = item.broker.IsFenced,
                }),
            ],
            ClusterAuthorizedOperations = request.IncludeClusterAuthorizedOperations
                ? TopicAnswers.AllClusterOperations
                : TopicAnswers.OperationsNotAsked,
        });
    }
}
