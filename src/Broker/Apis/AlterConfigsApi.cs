using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AlterConfigsResponse;

namespace Milena.Broker.Apis;

/// <summary>AlterConfigs (33): replaces everything that is set for a resource.</summary>
/// <remarks>What would be stored and not acted on is refused with INVALID_REQUEST; see <see cref="DynamicConfigs"/>.</remarks>
internal sealed class AlterConfigsApi(ControllerService controller) : IApi<AlterConfigsRequest, AlterConfigsResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<AlterConfigsResponse?> Handle(AlterConfigsRequest request, RequestContext context)
    {
        var refused = new List<AlterConfigsResourceResponse>();
        request.Resources = Array.FindAll(request.Resources, resource =>
        {
            if (DynamicConfigs.Refusal(resource.ResourceType, resource.Configs.Select(config => config.Name)) is not { } refusal)
                return true;
            refused.Add(Answer(resource, ErrorCode.InvalidRequest, refusal));
            return false;
        });

        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.AlterConfigs(image, request, controllerContext),
            error => new AlterConfigsResponse { Responses = [.. request.Resources.Select(resource => Answer(resource, error, null))] },
            context.Version);
        response.Responses = [.. response.Responses, .. refused];
        return response;
    }

    private static AlterConfigsResourceResponse Answer(
        AlterConfigsRequest.AlterConfigsResource resource, ErrorCode error, string? message) => new()
    {
        ErrorCode = error,
        ErrorMessage = message,
        ResourceType = resource.ResourceType,
        ResourceName = resource.ResourceName,
    };
}
