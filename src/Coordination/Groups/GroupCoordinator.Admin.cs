using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

public sealed partial class GroupCoordinator
{
    /// <summary>
    /// ListGroups v0 to v5: the groups coordinated here. If one partition is still loading the answer is that, for it would not
    /// be complete; a partition that is lost meanwhile is passed over, for its new leader will be asked too.
    /// </summary>
    public async ValueTask<ListGroupsResponse> ListGroups(ListGroupsRequest request)
    {
        var listed = new List<ListGroupsResponse.ListedGroup>();
        foreach (var shard in AllShards())
        {
            var (groups, error) = await shard.Execute<(ListGroupsResponse.ListedGroup[], ErrorCode)>(
                state => new((ListGroups(state, request), ErrorCode.None)),
                static error => ([], error)).ConfigureAwait(false);
            if (error is not (ErrorCode.None or ErrorCode.NotCoordinator))
                return new() { ErrorCode = error };
            listed.AddRange(groups);
        }
        return new() { Groups = [.. listed] };
    }

    /// <summary>DescribeGroups v0 to v6, without the operations that the client may perform: those are the broker's to say.</summary>
    public async ValueTask<DescribeGroupsResponse> DescribeGroups(DescribeGroupsRequest request, short version)
    {
        var groups = new DescribeGroupsResponse.DescribedGroup[request.Groups.Length];
        for (var i = 0; i < groups.Length; i++)
            groups[i] = await DescribeGroup(request.Groups[i], version).ConfigureAwait(false);
        return new() { Groups = groups };
    }

    /// <summary>ConsumerGroupDescribe v0 to v1: likewise, for groups of KIP-848.</summary>
    public async ValueTask<ConsumerGroupDescribeResponse> ConsumerGroupDescribe(ConsumerGroupDescribeRequest request)
    {
        var groups = new ConsumerGroupDescribeResponse.DescribedGroup[request.GroupIds.Length];
        for (var i = 0; i < groups.Length; i++)
            groups[i] = await DescribeConsumerGroup(request.GroupIds[i]).ConfigureAwait(false);
        return new() { Groups = groups };
    }

    /// <summary>DeleteGroups v0 to v2: groups that nobody is in, with all their offsets.</summary>
    public async ValueTask<DeleteGroupsResponse> DeleteGroups(DeleteGroupsRequest request)
    {
        var results = new DeleteGroupsResponse.DeletableGroupResult[request.GroupsNames.Length];
        for (var i = 0; i < results.Length; i++)
        {
            var groupId = request.GroupsNames[i];
            var error = ShardOf(groupId, out var unavailable) is { } shard
                ? await shard.Execute(state => OffsetRemovals.DeleteGroup(state, groupId), static error => error).ConfigureAwait(false)
                : unavailable;
            results[i] = new() { GroupId = groupId, ErrorCode = error };
        }
        return new() { Results = results };
    }

    private static ListGroupsResponse.ListedGroup[] ListGroups(GroupsState state, ListGroupsRequest request) =>
    [
        .. state.Groups.Values
            .Where(group => Passes(request.StatesFilter, group.StateName) && Passes(request.TypesFilter, group.Type))
            .Select(group => new ListGroupsResponse.ListedGroup
            {
                GroupId = group.Id,
                ProtocolType = group.ProtocolTypeName,
                GroupState = group.StateName,
                GroupType = group.Type,
            }),
    ];

    private static bool Passes(string[] filter, string value) =>
        filter.Length == 0 || filter.Contains(value, StringComparer.OrdinalIgnoreCase);

    private ValueTask<DescribeGroupsResponse.DescribedGroup> DescribeGroup(string groupId, short version)
    {
        if (ShardOf(groupId, out var unavailable) is not { } shard)
            return new(Refuse(unavailable));
        return shard.Execute(
            state => new(state.Find(groupId) is ClassicGroup group ? group.Describe() : NotFound()), Refuse);

        DescribeGroupsResponse.DescribedGroup Refuse(ErrorCode error) => new() { GroupId = groupId, ErrorCode = error };

        // Before version 6 a group that is not there was shown as one that is dead.
        DescribeGroupsResponse.DescribedGroup NotFound() => new()
        {
            GroupId = groupId,
            GroupState = "Dead",
            ErrorCode = version >= 6 ? ErrorCode.GroupIdNotFound : ErrorCode.None,
            ErrorMessage = version >= 6 ? $"Group {groupId} not found." : null,
        };
    }

    private ValueTask<ConsumerGroupDescribeResponse.DescribedGroup> DescribeConsumerGroup(string groupId)
    {
        if (groupId.Length == 0)
            return new(Refuse(ErrorCode.InvalidGroupId));
        if (ShardOf(groupId, out var unavailable) is not { } shard)
            return new(Refuse(unavailable));
        return shard.Execute(
            state => new(state.Find(groupId) switch
            {
                ConsumerGroup group => group.Describe(topics, parts.Assignors[0].Name),
                null => Missing($"Group {groupId} not found."),
                _ => Missing($"Group {groupId} is not a consumer group."),
            }),
            Refuse);

        ConsumerGroupDescribeResponse.DescribedGroup Refuse(ErrorCode error) => new() { GroupId = groupId, ErrorCode = error };

        ConsumerGroupDescribeResponse.DescribedGroup Missing(string message) =>
            new() { GroupId = groupId, ErrorCode = ErrorCode.GroupIdNotFound, ErrorMessage = message };
    }
}
