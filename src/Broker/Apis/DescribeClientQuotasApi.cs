using Milena.Broker.Dispatch;
using Milena.Metadata.Controllers;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeClientQuotas (48): the quotas that are set, of all or of some entities.</summary>
/// <remarks>What is in force for a client that has none of its own follows from them; it is not told.</remarks>
internal sealed class DescribeClientQuotasApi(MetadataCache metadata) : IApi<DescribeClientQuotasRequest, DescribeClientQuotasResponse>
{
    public static VersionRange Versions => new(0, 1);

    public ValueTask<DescribeClientQuotasResponse?> Handle(DescribeClientQuotasRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Components.Length);
        return new(QuotaQueries.Describe(metadata.Image, request));
    }
}
