using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeGroups (15): the state and the members of classic groups.</summary>
/// <remarks>v3 tells authorised operations, v4 static members, v6 says GROUP_ID_NOT_FOUND where older ones show a dead group.</remarks>
internal sealed class DescribeGroupsApi(GroupCoordinator groups) : IApi<DescribeGroupsRequest, DescribeGroupsResponse>
{
    public static VersionRange Versions => new(0, 6);

    public async ValueTask<DescribeGroupsResponse?> Handle(DescribeGroupsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Groups.Length);
        var response = await groups.DescribeGroups(request, context.Version);
        foreach (var group in response.Groups)
        {
            group.AuthorizedOperations = request.IncludeAuthorizedOperations && group.ErrorCode == ErrorCode.None
                ? TopicAnswers.AllGroupOperations
                : TopicAnswers.OperationsNotAsked;
        }

        return response;
    }
}
