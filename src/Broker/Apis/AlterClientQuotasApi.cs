using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>AlterClientQuotas (49): sets and removes quotas of users, client ids and addresses; they hold when it is answered.</summary>
/// <remarks>Addresses must be addresses, as names of hosts are not looked up. SCRAM credentials are not set this way.</remarks>
internal sealed class AlterClientQuotasApi(ControllerService controller) : IApi<AlterClientQuotasRequest, AlterClientQuotasResponse>
{
    public static VersionRange Versions => new(0, 1);

    public async ValueTask<AlterClientQuotasResponse?> Handle(AlterClientQuotasRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Entries.Length);
        return await controller.Execute(
            (decisions, image, _) => decisions.AlterClientQuotas(image, request),
            error => new AlterClientQuotasResponse
            {
                Entries = [.. request.Entries.Select(entry => new AlterClientQuotasResponse.EntryData
                {
                    ErrorCode = error,
                    Entity = [.. entry.Entity.Select(part => new AlterClientQuotasResponse.EntityData
                    {
                        EntityType = part.EntityType,
                        EntityName = part.EntityName,
                    })],
                })],
            });
    }
}
