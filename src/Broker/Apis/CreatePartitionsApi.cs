using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>CreatePartitions (37): adds partitions to topics.</summary>
internal sealed class CreatePartitionsApi(ControllerService controller) : IApi<CreatePartitionsRequest, CreatePartitionsResponse>
{
    public static VersionRange Versions => new(0, 3);

    public async ValueTask<CreatePartitionsResponse?> Handle(CreatePartitionsRequest request, RequestContext context) =>
        await controller.Execute(
            (decisions, image, controllerContext) => decisions.CreatePartitions(image, request, controllerContext),
            error => new CreatePartitionsResponse
            {
                Results =
                [
                    .. request.Topics.Select(topic =>
                        new CreatePartitionsResponse.CreatePartitionsTopicResult { Name = topic.Name, ErrorCode = error }),
                ],
            },
            context.Version);
}
