using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.IncrementalAlterConfigsResponse;

namespace Milena.Broker.Apis;

/// <summary>IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single values.</summary>
/// <remarks>What would be stored and not acted on is refused with INVALID_REQUEST; see <see cref="DynamicConfigs"/>.</remarks>
internal sealed class IncrementalAlterConfigsApi(ControllerService controller)
    : IApi<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>
{
    private const sbyte Delete = 1;

    public static VersionRange Versions => new(0, 1);

    public async ValueTask<IncrementalAlterConfigsResponse?> Handle(IncrementalAlterConfigsRequest request, RequestContext context)
    {
        var refused = new List<AlterConfigsResourceResponse>();
        request.Resources = Array.FindAll(request.Resources, resource =>
        {
            var set = resource.Configs.Where(config => config.ConfigOperation != Delete).Select(config => config.Name);
            if (DynamicConfigs.Refusal(resource.ResourceType, set) is not { } refusal)
                return true;
            refused.Add(Answer(resource, ErrorCode.InvalidRequest, refusal));
            return false;
        });

        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.IncrementalAlterConfigs(image, request, controllerContext),
            error => new IncrementalAlterConfigsResponse
            {
                Responses = [.. request.Resources.Select(resource => Answer(resource, error, null))],
            },
            context.Version);
        response.Responses = [.. response.Responses, .. refused];
        return response;
    }

    private static AlterConfigsResourceResponse Answer(
        IncrementalAlterConfigsRequest.AlterConfigsResource resource, ErrorCode error, string? message) => new()
    {
        ErrorCode = error,
        ErrorMessage = message,
        ResourceType = resource.ResourceType,
        ResourceName = resource.ResourceName,
    };
}
