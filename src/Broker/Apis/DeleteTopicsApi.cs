using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Quotas;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DeleteTopics (20): by name, or from v6 on by id.</summary>
internal sealed class DeleteTopicsApi(ControllerService controller, ClientQuotas quotas) : IApi<DeleteTopicsRequest, DeleteTopicsResponse>
{
    private const short StrictQuotaFrom = 5;

    public static VersionRange Versions => new(0, 6);

    public async ValueTask<DeleteTopicsResponse?> Handle(DeleteTopicsRequest request, RequestContext context)
    {
        var mutations = quotas.Mutations(context, StrictQuotaFrom);
        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.DeleteTopics(image, request, controllerContext),
            error => new DeleteTopicsResponse
            {
                Responses =
                [
                    .. request.Topics.Select(topic =>
                        new DeleteTopicsResponse.DeletableTopicResult { Name = topic.Name, TopicId = topic.TopicId, ErrorCode = error }),
                    .. request.TopicNames.Select(name =>
                        new DeleteTopicsResponse.DeletableTopicResult { Name = name, ErrorCode = error }),
                ],
            },
            context.Version,
            mutations.TryTake);
        context.Throttle(mutations.ThrottleMs);
        return response;
    }
}
