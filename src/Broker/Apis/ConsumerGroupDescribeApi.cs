using Milena.Broker.Dispatch;
using Milena.Broker.Groups;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ConsumerGroupDescribe (69): the epochs, members and assignments of groups of KIP-848.</summary>
/// <remarks>
/// v1 tells which members speak the classic protocol. A group of another kind is GROUP_ID_NOT_FOUND; what the members own is shown
/// as far as it is committed.
/// </remarks>
internal sealed class ConsumerGroupDescribeApi(GroupCoordinator groups, GroupProtocols protocols)
    : IApi<ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>
{
    public static VersionRange Versions => new(0, 1);

    public async ValueTask<ConsumerGroupDescribeResponse?> Handle(ConsumerGroupDescribeRequest request, RequestContext context)
    {
        RequestLimits.Check(request.GroupIds.Length);
        if (!protocols.HasConsumer)
        {
            return new()
            {
                Groups = [.. request.GroupIds.Select(groupId => new ConsumerGroupDescribeResponse.DescribedGroup
                {
                    GroupId = groupId,
                    ErrorCode = ErrorCode.UnsupportedVersion,
                })],
            };
        }

        var response = await groups.ConsumerGroupDescribe(request);
        foreach (var group in response.Groups)
        {
            if (request.IncludeAuthorizedOperations && group.ErrorCode == ErrorCode.None)
                group.AuthorizedOperations = TopicAnswers.AllGroupOperations;
        }

        return response;
    }
}
