using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Quotas;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>CreatePartitions (37): adds partitions to topics.</summary>
internal sealed class CreatePartitionsApi(ControllerService controller, ClientQuotas quotas) : IApi<CreatePartitionsRequest, CreatePartitionsResponse>
{
    private const short StrictQuotaFrom = 3;

    public static VersionRange Versions => new(0, 3);

    public async ValueTask<CreatePartitionsResponse?> Handle(CreatePartitionsRequest request, RequestContext context)
    {
        var mutations = quotas.Mutations(context, StrictQuotaFrom);
        var response = await controller.Execute(
            (decisions, image, controllerContext) => decisions.CreatePartitions(image, request, controllerContext),
            error => new CreatePartitionsResponse
            {
                Results =
                [
                    .. request.Topics.Select(topic =>
                        new CreatePartitionsResponse.CreatePartitionsTopicResult { Name = topic.Name, ErrorCode = error }),
                ],
            },
            context.Version,
            mutations.TryTake);
        context.Throttle(mutations.ThrottleMs);
        return response;
    }
}
