using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>AlterConfigs (33): replaces everything that is set for a resource.</summary>
internal sealed class AlterConfigsApi(ControllerService controller) : IApi<AlterConfigsRequest, AlterConfigsResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<AlterConfigsResponse?> Handle(AlterConfigsRequest request, RequestContext context) =>
        await controller.Execute(
            (decisions, image, controllerContext) => decisions.AlterConfigs(image, request, controllerContext),
            error => new AlterConfigsResponse { Responses = [.. request.Resources.Select(resource => new AlterConfigsResponse.AlterConfigsResourceResponse { ErrorCode = error, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName })] },
            context.Version);
}
