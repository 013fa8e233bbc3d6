using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Milena.Broker.Quotas;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Broker.Dispatch;

/// <summary>The APIs that this broker serves. ApiVersions is computed from it, so what is not here is not advertised.</summary>
internal sealed class ApiRegistry(ILogger logger, ClientQuotas quotas)
{
    private readonly ApiEndpoint?[] endpoints = new ApiEndpoint?[128];

    /// <summary>All endpoints by ascending key.</summary>
    public IEnumerable<ApiEndpoint> All => endpoints.OfType<ApiEndpoint>();

    public ApiRegistry Add<TApi, TRequest, TResponse>(TApi api)
        where TApi : IApi<TRequest, TResponse>
        where TRequest : IRequest<TRequest, TResponse>, IRequest<TRequest>
        where TResponse : class, IResponse<TResponse>
    {
        Invariant.Holds(endpoints[(int)TRequest.Key] is null);
        endpoints[(int)TRequest.Key] = new ApiEndpoint<TRequest, TResponse>(api, TApi.Versions, logger, quotas);
        return this;
    }

    public bool TryGet(short key, [NotNullWhen(true)] out ApiEndpoint? endpoint)
    {
        endpoint = (uint)key < (uint)endpoints.Length ? endpoints[key] : null;
        return endpoint is not null;
    }
}
