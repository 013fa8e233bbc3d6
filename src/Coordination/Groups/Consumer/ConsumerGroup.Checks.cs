using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Groups;

/// <summary>What can be said about a group without changing it.</summary>
internal sealed partial record ConsumerGroup
{
    /// <summary>The first version of OffsetCommit that knows member epochs.</summary>
    private const short FirstCommitWithMemberEpoch = 9;

    /// <summary>
    /// Whether offsets may be committed now. A member that has not yet heard of its newest epoch may commit for what it owned before:
    /// the answer says which member that is, and each partition is to be asked about (<see cref="MayCommit"/>).
    /// </summary>
    public ErrorCode CheckCommit(string memberId, string? instanceId, int epoch, short version, bool isTransactional, out ConsumerMember? behind)
    {
        behind = null;
        // Whoever assigns partitions to itself, and administrators, commit to a group that nobody is in.
        if (epoch < 0 && Members.IsEmpty)
            return ErrorCode.None;
        if (isTransactional && epoch < 0 && memberId.Length == 0 && instanceId is null)
            return ErrorCode.None; // those of a transaction are not bound to membership

        if (Find(memberId) is not { } member)
            return ErrorCode.UnknownMemberId;
        if (!isTransactional && !member.UsesClassicProtocol && version < FirstCommitWithMemberEpoch)
            return ErrorCode.UnsupportedVersion;
        if (epoch >= 0 && epoch < member.Epoch)
        {
            behind = member;
            return ErrorCode.None;
        }
        return epoch == member.Epoch ? ErrorCode.None : StaleOf(member);
    }

    /// <summary>
    /// Whether a member that is still at an earlier epoch may commit for this partition: it owned it then, and does now.
    /// </summary>
    public static ErrorCode MayCommit(ConsumerMember behind, int epoch, TopicIdPartition partition) =>
        behind.AssignedAt.TryGetValue(partition, out var since) && since <= epoch ? ErrorCode.None : StaleOf(behind);

    /// <summary>Whether a member at this epoch may read the group's offsets; who is no member and does not say so may.</summary>
    public ErrorCode CheckFetch(string? memberId, int epoch)
    {
        if (string.IsNullOrEmpty(memberId) && epoch < 0)
            return ErrorCode.None;
        if (Find(memberId ?? "") is not { } member)
            return ErrorCode.UnknownMemberId;
        return epoch == member.Epoch ? ErrorCode.None : StaleOf(member);
    }

    private static ErrorCode StaleOf(ConsumerMember member) =>
        member.UsesClassicProtocol ? ErrorCode.IllegalGeneration : ErrorCode.StaleMemberEpoch;
}
