using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.IncrementalAlterConfigsResponse;

namespace Milena.Broker.Apis;

/// <summary>IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single values.</summary>
/// <remarks>
/// What would be stored and not acted on is refused with INVALID_REQUEST; see <see cref="DynamicConfigs"/>. The levels of loggers are
/// changed here, not by the controller; see <see cref="BrokerLoggers"/>.
/// </remarks>
internal sealed class IncrementalAlterConfigsApi(ControllerService controller, BrokerLoggers loggers)
    : IApi<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>
{
    private const sbyte Delete = 1;

    public static VersionRange Versions => new(0, 1);

    public async ValueTask<IncrementalAlterConfigsResponse?> Handle(IncrementalAlterConfigsRequest request, RequestContext context)
    {
        var answered = new List<AlterConfigsResourceResponse>();
        var ofLoggers = request.Resources.Where(IsOfLoggers).ToLookup(resource => resource.ResourceName);
        foreach (var resources in ofLoggers)
        {
            var (error, message) = resources.Count() > 1
                ? (ErrorCode.InvalidRequest, "Each resource must appear at most once.")
                : loggers.Alter(resources.Key, resources.First().Configs, request.ValidateOnly);
            answered.Add(Answer(resources.First(), error, message));
        }

        request.Resources = Array.FindAll(request.Resources, resource =>
        {
            if (IsOfLoggers(resource))
                return false;
            var set = resource.Configs.Where(config => config.ConfigOperation != Delete).Select(config => config.Name);
            if (DynamicConfigs.Refusal(resource.ResourceType, set) is not { } refusal)
                return true;
            answered.Add(Answer(resource, ErrorCode.InvalidRequest, refusal));
            return false;
        });

        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.IncrementalAlterConfigs(image, request, controllerContext),
            error => new IncrementalAlterConfigsResponse
            {
                Responses = [.. request.Resources.Select(resource => Answer(resource, error, null))],
            },
            context.Version);
        response.Responses = [.. response.Responses, .. answered];
        return response;
    }

    private static bool IsOfLoggers(IncrementalAlterConfigsRequest.AlterConfigsResource resource) =>
        (ConfigResourceType)resource.ResourceType == ConfigResourceType.BrokerLogger;

    private static AlterConfigsResourceResponse Answer(
        IncrementalAlterConfigsRequest.AlterConfigsResource resource, ErrorCode error, string? message) => new()
    {
        ErrorCode = error,
        ErrorMessage = message,
        ResourceType = resource.ResourceType,
        ResourceName = resource.ResourceName,
    };
}
