using System.Collections.Immutable;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

public sealed partial class GroupCoordinator
{
    /// <summary>JoinGroup v0 to v9. The answer comes when the join phase ends, which may take as long as the slowest member.</summary>
    /// <param name="request">The request; nothing of it is kept, so its frame may be given back when the answer is there.</param>
    /// <param name="client">Who sends it.</param>
    /// <param name="version">The version of the request, which decides the shape of the answer.</param>
    /// <param name="disconnected">
    /// Ends the waiting: the task is cancelled. The member stays until its session ends, for its client may come back.
    /// </param>
    public async Task<JoinGroupResponse> JoinGroup(
        JoinGroupRequest request, GroupClient client, short version, CancellationToken disconnected = default)
    {
        if (request.GroupId.Length == 0)
            return Refuse(ErrorCode.InvalidGroupId);
        if (request.SessionTimeoutMs < config.MinSessionTimeoutMs || request.SessionTimeoutMs > config.MaxSessionTimeoutMs)
            return Refuse(ErrorCode.InvalidSessionTimeout);
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return Refuse(unavailable);

        var number = shard.Parked.Park(Refuse, out var answer);
        var call = CallOf(request, client, version, number);
        var error = await shard.Turn(request.GroupId, scene => scene.Join(call), refuse: error => error).ConfigureAwait(false);
        if (error != ErrorCode.None)
            shard.Parked.Refuse(number, error);

        var response = await Wait(shard, number, answer, disconnected).ConfigureAwait(false);
        if (version < 7)
            response.ProtocolName ??= ""; // it could not be null before
        return response;

        JoinGroupResponse Refuse(ErrorCode error) =>
            new() { ErrorCode = error, MemberId = request.MemberId, ProtocolName = version < 7 ? "" : null };
    }

    /// <summary>SyncGroup v0 to v5. The answer comes when the leader has brought the assignments.</summary>
    /// <param name="request">The request; nothing of it is kept.</param>
    /// <param name="disconnected">Ends the waiting, as in <see cref="JoinGroup"/>.</param>
    public async Task<SyncGroupResponse> SyncGroup(SyncGroupRequest request, CancellationToken disconnected = default)
    {
        if (request.GroupId.Length == 0)
            return Refuse(ErrorCode.InvalidGroupId);
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return Refuse(unavailable);

        var number = shard.Parked.Park(Refuse, out var answer);
        var call = CallOf(request, number);
        var error = await shard.Turn(request.GroupId, scene => scene.Sync(call), refuse: error => error).ConfigureAwait(false);
        if (error != ErrorCode.None)
        {
            shard.Parked.Refuse(number, error);
            await shard.Turn(
                request.GroupId,
                scene =>
                {
                    if (scene.Group is ClassicGroup group)
                        scene.Begin(group).AssignmentRefused(call.MemberId, call.Generation, error);
                    return error;
                },
                refuse: next => next).ConfigureAwait(false);
        }
        return await Wait(shard, number, answer, disconnected).ConfigureAwait(false);

        static SyncGroupResponse Refuse(ErrorCode error) => new() { ErrorCode = error };
    }

    /// <summary>Heartbeat v0 to v4. Writes nothing. During a load every member is told to go on: its session begins anew after it.</summary>
    public ValueTask<HeartbeatResponse> Heartbeat(HeartbeatRequest request)
    {
        if (request.GroupId.Length == 0)
            return new(Answer(ErrorCode.InvalidGroupId));
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return new(Answer(unavailable));
        return shard.Execute(
            state => state.Find(request.GroupId) switch
            {
                ClassicGroup group => new(Answer(group.Heartbeat(
                    request.MemberId, request.GroupInstanceId, request.GenerationId, shard.Now.Ms))),
                ConsumerGroup group => shard.Beat(
                    group, turn => Answer(turn.Heartbeat(request.MemberId, request.GroupInstanceId, request.GenerationId))),
                _ => new(Answer(ErrorCode.UnknownMemberId)),
            },
            static error => Answer(error == ErrorCode.CoordinatorLoadInProgress ? ErrorCode.None : error));

        static HeartbeatResponse Answer(ErrorCode error) => new() { ErrorCode = error };
    }

    /// <summary>LeaveGroup v0 to v5: one member up to v2, several and static ones from v3 on.</summary>
    public async ValueTask<LeaveGroupResponse> LeaveGroup(LeaveGroupRequest request, short version)
    {
        if (request.GroupId.Length == 0)
            return Refuse(ErrorCode.InvalidGroupId);
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return Refuse(unavailable);

        LeaveGroupRequest.MemberIdentity[] leaving = version >= 3
            ? request.Members
            : [new LeaveGroupRequest.MemberIdentity { MemberId = request.MemberId }];
        var response = await shard.Turn(
            request.GroupId, scene => new LeaveGroupResponse { Members = scene.Leave(leaving) }, Refuse).ConfigureAwait(false);
        if (version >= 3 || response.ErrorCode != ErrorCode.None)
            return response;
        return Refuse(response.Members[0].ErrorCode);

        static LeaveGroupResponse Refuse(ErrorCode error) => new() { ErrorCode = error };
    }

    private JoinCall CallOf(JoinGroupRequest request, GroupClient client, short version, long number) => new(
        number,
        request.MemberId,
        request.GroupInstanceId,
        client,
        // Version 0 has no time of its own for the join phase.
        request.RebalanceTimeoutMs >= 0 ? request.RebalanceTimeoutMs : request.SessionTimeoutMs,
        request.SessionTimeoutMs,
        request.ProtocolType,
        // Copies: the request's bytes are the connection's, and the group keeps these.
        [.. request.Protocols.Select(protocol => new MemberProtocol(protocol.Name, protocol.Metadata.ToArray()))],
        request.MemberId.Length == 0 ? memberIds.Next(request.GroupInstanceId ?? client.ClientId) : "",
        RequiresKnownMemberId: version >= 4,
        CanSkipAssignment: version >= 9);

    private static SyncCall CallOf(SyncGroupRequest request, long number)
    {
        var assignments = new Dictionary<string, ReadOnlyMemory<byte>>(request.Assignments.Length, StringComparer.Ordinal);
        foreach (var assignment in request.Assignments)
            assignments[assignment.MemberId] = assignment.Assignment.ToArray();
        return new SyncCall(
            number, request.MemberId, request.GroupInstanceId, request.GenerationId, request.ProtocolType, request.ProtocolName, assignments);
    }

    private static async Task<TResponse> Wait<TResponse>(
        GroupShard shard, long call, Task<TResponse> answer, CancellationToken disconnected)
    {
        try
        {
            return await answer.WaitAsync(disconnected).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            shard.Parked.Forget(call);
            throw;
        }
    }
}
