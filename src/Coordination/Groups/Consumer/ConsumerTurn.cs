using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>What the turns of consumer groups work with.</summary>
/// <param name="Assignors">Those that members may wish for; the first is the one of groups that do not mind.</param>
internal sealed record ConsumerParts(GroupConfig Config, IGroupTopics Topics, IReadOnlyList<IConsumerAssignor> Assignors);

/// <summary>
/// One step of one consumer group: it is given the group, what happened and the time, and yields records, the answers that are due,
/// and when to look again. Used once. Nothing outside of it changes, but for the members' sessions.
/// </summary>
internal sealed partial class ConsumerTurn : GroupTurn
{
    private readonly ConsumerParts parts;
    private readonly GroupTime now;
    private readonly ConsumerGroup start;
    private ConsumerGroup emitted;
    private ClassicTurn? downgraded;

    public ConsumerTurn(ConsumerGroup group, ConsumerParts parts, GroupTime now)
        : base(group)
    {
        this.parts = parts;
        this.now = now;
        start = emitted = Group = group;
    }

    /// <summary>The group as it is by now.</summary>
    public ConsumerGroup Group { get; private set; }

    private GroupConfig Config => parts.Config;

    protected override Group? End()
    {
        if (downgraded is not null)
            return EndWith(downgraded);
        if (!ReferenceEquals(Group, emitted))
            Emit(new GroupChanged(Group)); // carries what is volatile of what the records say
        return Group;
    }

    /// <summary>What is durable goes through the record, here as after a restart.</summary>
    private void Write(GroupRecord record)
    {
        Emit(record);
        Group = Group.Apply(record);
    }

    /// <summary>
    /// What a member says of itself is taken over, and the group follows: its epoch, the targets, and how far this member has come
    /// towards its own.
    /// </summary>
    /// <param name="member">The member as it was, or one that has just come to be.</param>
    /// <param name="updated">The member as it describes itself now.</param>
    /// <param name="owned">What it says it owns; null if it does not say.</param>
    private ConsumerMember Advance(ConsumerMember member, ConsumerMember updated, PartitionSet? owned)
    {
        var isNew = Group.Find(member.Id) is null;
        var wishesOther = updated.Assignor != member.Assignor;
        var preferred = wishesOther ? Group.PreferredAssignor() : null;
        if (isNew || !updated.HasSameDescription(member))
            Write(ConsumerRecords.Description(Group.Id, updated));
        if (isNew)
            Group = Group.WithVolatile(Group.Find(updated.Id)! with { Session = updated.Session });

        var hasNewRegex = updated.TopicRegex != member.TopicRegex;
        if (hasNewRegex)
            ForgetRegexes();
        ResolveRegexes(updated.TopicRegex);
        UpdateEpoch(isNew || hasNewRegex || !updated.HasSameTopicNames(member)
            || (wishesOther && Group.PreferredAssignor() != preferred));
        if (Group.Generation > Group.TargetEpoch)
            Assign();
        Reconcile(updated.Id, owned);
        return Group.Find(updated.Id)!;
    }

    /// <summary>Raises the group's epoch if <paramref name="isChanged"/>, or if the topics have changed that it is subscribed to.</summary>
    private void UpdateEpoch(bool isChanged)
    {
        // Topics that have not changed at all need not be looked at: most heartbeats end here.
        var topics = parts.Topics.Stamp;
        if (!isChanged && ReferenceEquals(Group.TopicsSeen, topics))
            return;
        var hash = SubscribedTopics.HashOf(Group.SubscribedTopics(), parts.Topics);
        if (isChanged || hash != Group.MetadataHash)
            Write(ConsumerRecords.Epoch(Group.Id, Group.Generation + 1, hash));
        Group = Group with { TopicsSeen = topics };
    }

    /// <summary>Makes a target for every member, at the group's epoch.</summary>
    private void Assign()
    {
        var preferred = Group.PreferredAssignor();
        var assignor = parts.Assignors.FirstOrDefault(candidate => candidate.Name == preferred) ?? parts.Assignors[0];
        var topics = new SubscribedTopics(parts.Topics);
        var spec = new GroupSpec(Group.Members.ToImmutableSortedDictionary(
            entry => entry.Key,
            entry => new MemberSpec(
                entry.Value.InstanceId, entry.Value.RackId, topics.IdsOf(Group, entry.Value), Group.TargetOf(entry.Key)),
            StringComparer.Ordinal));

        var targets = assignor.Assign(spec, topics);
        foreach (var memberId in Group.Members.Keys)
        {
            var target = targets.GetValueOrDefault(memberId) ?? PartitionSet.Empty;
            if (!Group.Targets.TryGetValue(memberId, out var former) || !former.Equals(target))
                Write(ConsumerRecords.Target(Group.Id, memberId, target));
        }
        Write(ConsumerRecords.TargetEpoch(Group.Id, Group.Generation));
    }

    /// <summary>
    /// Looks up what <paramref name="ofMember"/> stands for, if that is new, and all of the group's expressions when topics have
    /// come or gone, or time has passed.
    /// </summary>
    private void ResolveRegexes(string? ofMember)
    {
        if (ofMember is null && Group.Regexes.IsEmpty)
            return;
        var regexes = ofMember is null || Group.Regexes.ContainsKey(ofMember) ? Group.Regexes.Keys : Group.Regexes.Keys.Append(ofMember);
        var topics = parts.Topics.Stamp;
        var isRefresh = RegexResolver.IsRefreshDue(
            now.Ms, Group.RegexesResolvedAtMs, isUnresolved: false, !ReferenceEquals(Group.RegexTopicsSeen, topics), Config.RegexRefreshIntervalMs);
        foreach (var regex in regexes.ToArray())
        {
            var known = Group.Regexes.GetValueOrDefault(regex);
            if (known is not null && !isRefresh)
                continue;
            var found = RegexResolver.Resolve(regex, parts.Topics.Names).Topics;
            if (known is not null && known.Topics.SetEquals(found))
                continue;
            Write(ConsumerRecords.Regex(Group.Id, regex, new ResolvedRegex(found, (known?.Version ?? 0) + 1, now.UnixMs)));
            Group = Group with { TopicsSeen = null }; // the group is subscribed to others now
        }
        if (isRefresh)
            Group = Group with { RegexTopicsSeen = topics, RegexesResolvedAtMs = now.Ms };
    }

    private void ForgetRegexes()
    {
        foreach (var regex in Group.Regexes.Keys)
        {
            if (Group.Members.Values.All(member => member.TopicRegex != regex))
                Write(ConsumerRecords.NoRegex(Group.Id, regex));
        }
    }

    /// <summary>Takes members out. Without them the group may have nobody left who needs the consumer protocol.</summary>
    private void Remove(IReadOnlyCollection<ConsumerMember> leaving)
    {
        if (leaving.Count == 0 || TryDowngrade(leaving, isReplaced: false))
            return;
        foreach (var member in leaving)
            WriteRemoval(member.Id);
        ForgetRegexes();
        UpdateEpoch(isChanged: true);
    }

    private void WriteRemoval(string memberId)
    {
        Write(ConsumerRecords.NoPosition(Group.Id, memberId));
        Write(ConsumerRecords.NoTarget(Group.Id, memberId));
        Write(ConsumerRecords.NoDescription(Group.Id, memberId));
    }

    /// <summary>
    /// A static member comes under another member id: it takes over what the old one had, to begin from there.
    /// </summary>
    private ConsumerMember Replace(ConsumerMember old, string memberId)
    {
        var target = Group.TargetOf(old.Id);
        var member = old with
        {
            Id = memberId,
            Epoch = 0,
            PreviousEpoch = 0,
            State = ConsumerMemberState.Stable,
            PendingRevocation = PartitionSet.Empty,
            RebalanceDeadlineMs = GroupTime.Never,
            Session = new MemberSession(),
        };
        WriteRemoval(old.Id);
        Write(ConsumerRecords.Description(Group.Id, member));
        Write(ConsumerRecords.Target(Group.Id, memberId, target));
        Write(ConsumerRecords.Position(Group.Id, member));
        return member;
    }

    private void Forget()
    {
        TakeBack();
        Group = emitted = start;
    }

    private bool HasRoomFor(string memberId, string? instanceId) =>
        Group.Members.Count < Config.ConsumerMaxSize
        || Group.Find(memberId) is not null
        || (instanceId is not null && Group.FindStatic(instanceId) is not null);

    private void KeepSession(ConsumerMember member)
    {
        member.Session.DeadlineMs = now.Ms + (member.Classic?.SessionTimeoutMs ?? Config.ConsumerSessionTimeoutMsOf(Group.Id));
        WakeAt(member.Session.DeadlineMs);
    }

    private void SetRebalanceDeadline(ConsumerMember member, long deadlineMs)
    {
        if (member.RebalanceDeadlineMs != deadlineMs)
            Group = Group.WithVolatile(member with { RebalanceDeadlineMs = deadlineMs });
        WakeAt(deadlineMs);
    }
}
