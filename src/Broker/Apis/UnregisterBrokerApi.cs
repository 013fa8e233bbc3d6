using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>UnregisterBroker (64): forgets a broker that will not come back.</summary>
/// <remarks>One that is there notices at its next heartbeat, and registers anew.</remarks>
internal sealed class UnregisterBrokerApi(ControllerService controller) : IApi<UnregisterBrokerRequest, UnregisterBrokerResponse>
{
    public static VersionRange Versions => new(0, 0);

    public async ValueTask<UnregisterBrokerResponse?> Handle(UnregisterBrokerRequest request, RequestContext context) =>
        await controller.Execute(
            (decisions, image, _) => decisions.UnregisterBroker(image, request),
            error => new UnregisterBrokerResponse { ErrorCode = error, ErrorMessage = error.Message() },
            context.Version);
}
