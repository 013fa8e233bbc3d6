using Milena.Broker.Dispatch;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ListConfigResources (74): what configurations can be asked for, by name.</summary>
/// <remarks>v0 was called ListClientMetricsResources and tells of client metrics alone. v1 has all types (KIP-1142).</remarks>
internal sealed class ListConfigResourcesApi(MetadataCache metadata) : IApi<ListConfigResourcesRequest, ListConfigResourcesResponse>
{
    private const short AllTypesFrom = 1;

    public static VersionRange Versions => new(0, 1);

    public ValueTask<ListConfigResourcesResponse?> Handle(ListConfigResourcesRequest request, RequestContext context)
    {
        if (context.Version < AllTypesFrom)
            request.ResourceTypes = [(sbyte)ConfigResourceType.ClientMetrics];
        return new(ConfigQueries.List(metadata.Image, request));
    }
}
