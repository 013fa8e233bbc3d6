using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Quotas;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>CreateTopics (19): the controller decides; the answer comes when the topics can be used.</summary>
/// <remarks>v1 can validate only, v4 takes defaults, v5 tells what was created, v7 its id.</remarks>
internal sealed class CreateTopicsApi(ControllerService controller, ClientQuotas quotas) : IApi<CreateTopicsRequest, CreateTopicsResponse>
{
    private const short StrictQuotaFrom = 6;

    public static VersionRange Versions => new(0, 7);

    public async ValueTask<CreateTopicsResponse?> Handle(CreateTopicsRequest request, RequestContext context)
    {
        var mutations = quotas.Mutations(context, StrictQuotaFrom);
        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.CreateTopics(image, request, controllerContext),
            error => new CreateTopicsResponse
            {
                Topics =
                [
                    .. request.Topics.Select(topic =>
                        new CreateTopicsResponse.CreatableTopicResult { Name = topic.Name, ErrorCode = error }),
                ],
            },
            context.Version,
            mutations.TryTake);
        context.Throttle(mutations.ThrottleMs);
        return response;
    }
}
