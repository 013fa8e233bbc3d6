using Microsoft.Extensions.Logging;
using Milena.Broker.Quotas;
using Milena.Network;
using Milena.Protocol;

namespace Milena.Broker.Dispatch;

/// <summary>One API as it is served: which versions, and how a frame becomes a response.</summary>
internal abstract class ApiEndpoint(ApiKey key, VersionRange versions)
{
    public ApiKey Key { get; } = key;

    /// <summary>The versions that are served, all of which ApiVersions advertises.</summary>
    public VersionRange Versions { get; } = versions;

    /// <summary>
    /// Decodes the body, handles it, and encodes the response; null where the protocol has none. Everything whose order
    /// matters on a connection happens before this returns.
    /// </summary>
    public abstract ValueTask<OutboundFrame?> Invoke(RequestContext context, ref MessageReader body);
}

/// <summary>Handles one API. One file per API; the file's head tells what each version adds and what is left out.</summary>
internal interface IApi<TRequest, TResponse>
    where TRequest : IRequest<TRequest, TResponse>, IRequest<TRequest>
    where TResponse : class, IResponse<TResponse>
{
    static abstract VersionRange Versions { get; }

    /// <summary>Returns the response, or null where the client expects none.</summary>
    ValueTask<TResponse?> Handle(TRequest request, RequestContext context);
}

/// <inheritdoc/>
internal sealed class ApiEndpoint<TRequest, TResponse>(
    IApi<TRequest, TResponse> api, VersionRange versions, ILogger logger, ClientQuotas quotas)
    : ApiEndpoint(TRequest.Key, versions)
    where TRequest : IRequest<TRequest, TResponse>, IRequest<TRequest>
    where TResponse : class, IResponse<TResponse>
{
    public override ValueTask<OutboundFrame?> Invoke(RequestContext context, ref MessageReader body)
    {
        var request = TRequest.Read(ref body, context.Version);
        try
        {
            var pending = api.Handle(request, context);
            return pending.IsCompletedSuccessfully ? new(Answer(pending.Result, context)) : Awaited(pending, context);
        }
        catch (Exception fault) when (IsAnswered(fault, context, out var answer))
        {
            return new(Answer(answer, context));
        }
    }

    private async ValueTask<OutboundFrame?> Awaited(ValueTask<TResponse?> pending, RequestContext context)
    {
        try
        {
            context.Handled();
            return Answer(await pending, context);
        }
        catch (Exception fault) when (IsAnswered(fault, context, out var answer))
        {
            return Answer(answer, context);
        }
    }

    // A fault of ours is said in the answer where that has a place for it. Where not, the connection is closed, and says why.
    private bool IsAnswered(Exception fault, RequestContext context, out TResponse? answer)
    {
        answer = null;
        if (fault is MalformedMessageException or ConnectionClosingException || context.Aborted.IsCancellationRequested)
            return false;
        answer = TResponse.OfError(ErrorCode.UnknownServerError, context.Version);
        if (answer is not null)
            Log.RequestFailed(logger, Key, context.Version, context.ClientId, fault);
        return answer is not null;
    }

    /// <summary>The response, which says how long the client is throttled. The time to encode it counts for the requests to come.</summary>
    private OutboundFrame? Answer(TResponse? response, RequestContext context)
    {
        var isTimed = quotas.MeasuresTime && response is not null;
        if (isTimed)
            context.Throttle(quotas.Spent(context, context.LocalTime));
        if (context.ThrottleMs > 0 && response is IThrottledResponse throttled)
            throttled.ThrottleTimeMs = context.ThrottleMs;
        var frame = context.Answer(response);
        if (isTimed)
            quotas.Spent(context, context.SinceAnswered);
        return frame;
    }
}
