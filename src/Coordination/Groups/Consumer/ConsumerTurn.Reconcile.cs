namespace Milena.Coordination.Groups;

internal sealed partial class ConsumerTurn
{
    /// <summary>
    /// Moves a member on towards its target: first it gives up what is not in it, then it takes the epoch of the target, with those
    /// of its partitions that are free, and the others as they become free.
    /// </summary>
    /// <param name="memberId">The member, which has its target.</param>
    /// <param name="owned">What it says it owns; null if it does not say, and may own all that it ever was given.</param>
    private void Reconcile(string memberId, PartitionSet? owned)
    {
        var member = Group.Find(memberId)!;
        if (member.IsReconciledTo(Group.TargetEpoch))
            return;

        var moved = Next(member, owned);
        if (!moved.HasSamePosition(member))
            Write(ConsumerRecords.Position(Group.Id, moved));
        if (member.UsesClassicProtocol)
            return; // its time is measured from when it is told to join again
        if (moved.State != ConsumerMemberState.UnrevokedPartitions)
            SetRebalanceDeadline(Group.Find(memberId)!, GroupTime.Never);
        else if (member.State != ConsumerMemberState.UnrevokedPartitions || moved.Epoch != member.Epoch)
            SetRebalanceDeadline(Group.Find(memberId)!, now.Ms + Math.Max(member.RebalanceTimeoutMs, 0));
    }

    private ConsumerMember Next(ConsumerMember member, PartitionSet? owned)
    {
        if (member.State != ConsumerMemberState.UnrevokedPartitions)
            return Towards(member, member.Epoch, owned);
        // The next epoch, for what it has given up must not be taken for its own any more.
        return StillOwns(member.PendingRevocation, owned) ? member : Towards(member, member.Epoch + 1, owned);
    }

    private ConsumerMember Towards(ConsumerMember member, int epoch, PartitionSet? owned)
    {
        var target = Group.TargetOf(member.Id);
        var kept = member.Assigned.Intersect(target);
        var revoked = member.Assigned.Except(kept);
        if (!revoked.IsEmpty && StillOwns(revoked, owned))
        {
            return member with
            {
                Epoch = epoch,
                PreviousEpoch = member.Epoch,
                State = ConsumerMemberState.UnrevokedPartitions,
                Assigned = kept,
                PendingRevocation = revoked,
            };
        }

        var missing = target.Except(kept);
        var free = PartitionSet.Of(missing.Where(partition => Group.IsFreeFor(member.Id, partition)));
        var at = member.AssignedAt.RemoveRange(revoked);
        return member with
        {
            Epoch = Group.TargetEpoch,
            PreviousEpoch = member.Epoch,
            State = free.Count == missing.Count ? ConsumerMemberState.Stable : ConsumerMemberState.UnreleasedPartitions,
            Assigned = kept.Union(free),
            AssignedAt = at.SetItems(free.Select(partition => KeyValuePair.Create(partition, Group.TargetEpoch))),
            PendingRevocation = PartitionSet.Empty,
        };
    }

    private static bool StillOwns(PartitionSet partitions, PartitionSet? owned) => owned is null || partitions.Overlaps(owned);
}
