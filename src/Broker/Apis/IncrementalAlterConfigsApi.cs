using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single values (KIP-339).</summary>
internal sealed class IncrementalAlterConfigsApi(ControllerService controller) : IApi<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>
{
    public static VersionRange Versions => new(0, 1);

    public async ValueTask<IncrementalAlterConfigsResponse?> Handle(IncrementalAlterConfigsRequest request, RequestContext context) =>
        await controller.Execute(
            (decisions, image, controllerContext) => decisions.IncrementalAlterConfigs(image, request, controllerContext),
            error => new IncrementalAlterConfigsResponse { Responses = [.. request.Resources.Select(resource => new IncrementalAlterConfigsResponse.AlterConfigsResourceResponse { ErrorCode = error, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName })] },
            context.Version);
}
