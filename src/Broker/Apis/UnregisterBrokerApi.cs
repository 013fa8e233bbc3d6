using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>UnregisterBroker (64): forgets a broker that will not come back.</summary>
/// <remarks>One that is there registers anew: this broker at once, another at its next heartbeat.</remarks>
internal sealed class UnregisterBrokerApi(ControllerService controller, BrokerLife life, int nodeId)
    : IApi<UnregisterBrokerRequest, UnregisterBrokerResponse>
{
    public static VersionRange Versions => new(0, 0);

    public async ValueTask<UnregisterBrokerResponse?> Handle(UnregisterBrokerRequest request, RequestContext context)
    {
        var response = await controller.Execute(
            (decisions, image, _) => decisions.UnregisterBroker(image, request),
            error => new UnregisterBrokerResponse { ErrorCode = error, ErrorMessage = error.Message() },
            context.Version);
        if (response.ErrorCode == ErrorCode.None && request.BrokerId == nodeId)
            await life.Beat();
        return response;
    }
}
