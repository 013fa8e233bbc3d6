using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Milena.Common;
using Milena.Coordination.Groups;

namespace Milena.Coordination.Tests.Groups.Consumer;

public class AssignorTests
{
    private static readonly IConsumerAssignor[] Assignors = [new UniformAssignor(), new RangeAssignor()];

    public static TheoryData<string, string> Recorded => [.. ReadCases().Keys.SelectMany(id => Assignors.Select(assignor => (id, assignor.Name)))];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void An_assignment_is_the_one_that_Kafka_makes(string id, string assignor)
    {
        var recorded = ReadCases()[id];
        var found = Find(assignor).Assign(recorded.Group.Spec(), recorded.Group);
        Assert.Equal(recorded.Results[assignor], recorded.Group.Text(found));
    }

    [Fact]
    public void Whatever_the_group_each_partition_goes_to_one_subscriber_and_shares_are_equal_where_subscriptions_are() =>
        ForRandomGroups(uneven: true, (assignor, group) =>
        {
            var found = assignor.Assign(group.Spec(), group);
            AssertEachPartitionHasOneSubscriber(group, found);
            if (group.Spec().IsHomogeneous && assignor.Name == "uniform")
                AssertSharesDifferByOneAtMost(group, found);
        });

    [Fact]
    public void An_assignment_that_is_good_stays_whatever_comes_first_to_mind() =>
        ForRandomGroups(uneven: true, (assignor, group) =>
        {
            var once = assignor.Assign(group.Spec(), group);
            var settled = group with { Members = group.WithTargets(once) };
            var twice = assignor.Assign(settled.Spec(), settled);
            if (group.Spec().IsHomogeneous || assignor.Name == "range")
                Assert.All(once, member => Assert.Same(member.Value, twice[member.Key]));
        });

    [Fact]
    public void With_equal_subscriptions_nothing_moves_that_need_not() =>
        ForRandomGroups(uneven: false, (_, group) =>
        {
            var uniform = Assignors[0];
            var before = uniform.Assign(group.Spec(), group);

            // One leaves: the others keep all they have, and share what it had.
            if (group.Members.Count > 1)
            {
                var left = group with { Members = group.WithTargets(before).RemoveAt(0) };
                var after = uniform.Assign(left.Spec(), left);
                Assert.All(left.Members, member => Assert.True(before[member.Id].IsSubsetOf(after[member.Id])));
                AssertSharesDifferByOneAtMost(left, after);
            }

            // One comes: nobody gets anything but the one who came.
            var joined = group with { Members = group.WithTargets(before).Add(group.Members[0] with { Id = "zz", Target = PartitionSet.Empty }) };
            var withOneMore = uniform.Assign(joined.Spec(), joined);
            Assert.All(group.Members, member => Assert.True(withOneMore[member.Id].IsSubsetOf(before[member.Id])));
            AssertSharesDifferByOneAtMost(joined, withOneMore);

            // A topic gets partitions: nobody loses any but for the sake of balance, which needs none here.
            var grown = group with
            {
                Members = group.WithTargets(before),
                Topics = group.Topics.ToImmutableSortedDictionary(topic => topic.Key, topic => topic.Value + group.Members.Count),
            };
            var more = uniform.Assign(grown.Spec(), grown);
            Assert.All(group.Members, member => Assert.True(before[member.Id].IsSubsetOf(more[member.Id])));
        });

    [Fact]
    public void With_unequal_subscriptions_no_single_move_would_make_it_more_even_among_those_who_share_all_topics() =>
        ForRandomGroups(uneven: true, (_, group) =>
        {
            var found = Assignors[0].Assign(group.Spec(), group);
            foreach (var (topic, _) in group.Topics)
            {
                var counts = group.Members.Where(member => member.Topics.Contains(topic)).Select(member => (member, found[member.Id].Count)).ToList();
                foreach (var (giver, most) in counts.Where(member => found[member.member.Id].Topics.Contains(group.Id(topic))))
                    Assert.All(counts.Where(other => other.member.Topics.SetEquals(giver.Topics)), other => Assert.InRange(most - other.Count, int.MinValue, 1));
            }
        });

    [Fact]
    public void Range_gives_partitions_of_one_number_to_one_member_where_topics_have_equally_many()
    {
        var group = new TestGroup(
            new Dictionary<string, int> { ["a"] = 7, ["b"] = 7, ["c"] = 7 }.ToImmutableSortedDictionary(),
            [.. "pqr".Select(id => new TestMember(id.ToString(), null, ["a", "b", "c"], PartitionSet.Empty))]);
        var found = Find("range").Assign(group.Spec(), group);
        Assert.Equal("p=a-0,a-1,a-2,b-0,b-1,b-2,c-0,c-1,c-2 ; q=a-3,a-4,b-3,b-4,c-3,c-4 ; r=a-5,a-6,b-5,b-6,c-5,c-6", group.Text(found));
    }

    [Fact]
    public void A_static_member_has_its_place_in_a_range_by_its_instance_whatever_its_member_id()
    {
        var topics = ImmutableSortedDictionary<string, int>.Empty.Add("a", 6);
        var one = new TestGroup(topics, [new("m1", "i1", ["a"], PartitionSet.Empty), new("m2", "i2", ["a"], PartitionSet.Empty), new("a0", null, ["a"], PartitionSet.Empty)]);
        var other = one with { Members = one.Members.SetItem(0, one.Members[0] with { Id = "zz" }) };
        Assert.Equal("a0=a-4,a-5 ; m1=a-0,a-1 ; m2=a-2,a-3", one.Text(Find("range").Assign(one.Spec(), one)));
        Assert.Equal("a0=a-4,a-5 ; m2=a-2,a-3 ; zz=a-0,a-1", other.Text(Find("range").Assign(other.Spec(), other)));
    }

    [Fact]
    public void Targets_on_topics_and_partitions_that_no_longer_are_count_for_nothing()
    {
        var gone = PartitionSet.Of([new(new Uuid(7, 7), 0), new(new Uuid(1, 1), 5), new(new Uuid(1, 1), 0)]);
        var group = new TestGroup(
            ImmutableSortedDictionary<string, int>.Empty.Add("a", 2),
            [new("m1", null, ["a"], PartitionSet.Empty), new("m2", null, ["a"], gone)]);
        Assert.Equal("m1=a-1 ; m2=a-0", group.Text(Find("uniform").Assign(group.Spec(), group)));
    }

    [Fact]
    public void A_group_without_members_or_topics_has_an_empty_assignment()
    {
        foreach (var assignor in Assignors)
        {
            var nobody = new TestGroup(ImmutableSortedDictionary<string, int>.Empty.Add("a", 2), []);
            Assert.Empty(assignor.Assign(nobody.Spec(), nobody));
            var nothing = new TestGroup(ImmutableSortedDictionary<string, int>.Empty, [new("m1", null, [], PartitionSet.Empty)]);
            Assert.Equal("m1=", nothing.Text(assignor.Assign(nothing.Spec(), nothing)));
        }
    }

    [Theory]
    [InlineData("uniform", "uniform")]
    [InlineData("org.apache.kafka.coordinator.group.assignor.UniformAssignor", "uniform")]
    [InlineData("org.apache.kafka.coordinator.group.assignor.RangeAssignor", "range")]
    [InlineData("sticky", null)]
    public void Assignors_are_known_by_their_names_and_by_those_of_Kafkas_classes(string name, string? found) =>
        Assert.Equal(found, ConsumerAssignors.Find(name)?.Name);

    // Ten times the partitions and members is some ten times the work, not a hundred times: what is counted is allocation, as
    // every step of these algorithms that is worth counting allocates.
    [Theory]
    [InlineData("uniform", false)]
    [InlineData("uniform", true)]
    [InlineData("range", true)]
    public void Work_grows_with_the_group_and_not_with_its_square(string assignor, bool uneven)
    {
        var small = Allocated(Find(assignor), Large(members: 100, partitions: 1_000, uneven));
        var large = Allocated(Find(assignor), Large(members: 1_000, partitions: 10_000, uneven));
        Assert.InRange(large, 0, small * 25);
    }

    private static long Allocated(IConsumerAssignor assignor, TestGroup group)
    {
        var spec = group.Spec();
        assignor.Assign(spec, group);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        assignor.Assign(spec, group);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{assignor.Name}, {group.Members.Count} members: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F1} ms");
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static TestGroup Large(int members, int partitions, bool uneven)
    {
        var topics = Enumerable.Range(0, 20).ToImmutableSortedDictionary(i => $"t{i:D2}", _ => partitions / 20);
        var random = new Random(10);
        return new TestGroup(topics,
        [
            .. Enumerable.Range(0, members).Select(i => new TestMember(
                $"m{i:D4}", null, uneven ? [.. random.GetItems(topics.Keys.ToArray(), 5).Distinct()] : [.. topics.Keys], PartitionSet.Empty)),
        ]);
    }

    private static IConsumerAssignor Find(string name) => Assignors.Single(assignor => assignor.Name == name.Replace("server-", ""));

    private static void AssertEachPartitionHasOneSubscriber(TestGroup group, IReadOnlyDictionary<string, PartitionSet> found)
    {
        var given = found.SelectMany(member => member.Value.Select(partition => (member.Key, partition))).ToList();
        Assert.Equal(given.Count, given.Select(one => one.partition).Distinct().Count());
        Assert.All(given, one =>
            Assert.Contains(group.Name(one.partition.TopicId)!, group.Members.Single(member => member.Id == one.Key).Topics));
        var subscribed = group.Members.SelectMany(member => member.Topics).Distinct().Where(group.Topics.ContainsKey);
        Assert.Equal(subscribed.Sum(topic => group.Topics[topic]), given.Count);
    }

    private static void AssertSharesDifferByOneAtMost(TestGroup group, IReadOnlyDictionary<string, PartitionSet> found)
    {
        var counts = group.Members.Select(member => found[member.Id].Count).ToList();
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    }

    private static void ForRandomGroups(bool uneven, Action<IConsumerAssignor, TestGroup> check)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
        {
            var group = TestGroup.Random(random, uneven);
            foreach (var assignor in Assignors)
            {
                try
                {
                    check(assignor, group);
                }
                catch (Exception failure)
                {
                    throw new InvalidOperationException($"seed {seed}, case {i}, {assignor.Name}", failure);
                }
            }
        }
    }

    private static Dictionary<string, RecordedCase> ReadCases([CallerFilePath] string thisFile = "")
    {
        var cases = new Dictionary<string, RecordedCase>();
        var file = Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "vectors", "server-assignors.tsv");
        foreach (var fields in File.ReadLines(file).Select(line => line.Split('\t')))
        {
            if (fields[0] == "case")
            {
                var topics = fields[2].Split("topics=")[1].Split(',').Select(topic => topic.Split(':'))
                    .ToImmutableSortedDictionary(topic => topic[0], topic => int.Parse(topic[1]));
                cases.Add(fields[1], new(new TestGroup(topics, []), []));
            }
            else if (fields[0] == "member")
            {
                var (group, member) = (cases[fields[1]].Group, fields[2].Split('|'));
                var target = member[4].Split(';', StringSplitOptions.RemoveEmptyEntries).Select(partition => partition.Split('-'))
                    .Select(partition => new TopicIdPartition(group.Id(partition[0]), int.Parse(partition[1])));
                cases[fields[1]].Group = group with
                {
                    Members = group.Members.Add(new(member[0], member[1] == "" ? null : member[1], [.. member[3].Split(',')], PartitionSet.Of(target))),
                };
            }
            else if (fields[0] == "result")
                cases[fields[1]].Results.Add(fields[2].Replace("server-", ""), fields[3]);
        }

        return cases;
    }

    private sealed class RecordedCase(TestGroup group, Dictionary<string, string> results)
    {
        public TestGroup Group { get; set; } = group;

        public Dictionary<string, string> Results { get; } = results;
    }

    private sealed record TestMember(string Id, string? Instance, ImmutableSortedSet<string> Topics, PartitionSet Target);

    /// <summary>A group and its topics. A topic's id is by its first letters, so that ids are in the order of the names.</summary>
    private sealed record TestGroup(ImmutableSortedDictionary<string, int> Topics, ImmutableList<TestMember> Members) : ISubscribedTopics
    {
        public GroupSpec Spec() => new(Members.ToImmutableSortedDictionary(
            member => member.Id,
            member => new MemberSpec(member.Instance, null, [.. member.Topics.Where(Topics.ContainsKey).Select(Id)], member.Target),
            StringComparer.Ordinal));

        public Uuid Id(string topic) => new(1, (ulong)(Topics.Keys.ToList().IndexOf(topic) + 1));

        public string? Name(Uuid topicId) => Topics.Keys.ElementAtOrDefault((int)topicId.LeastSignificant - 1);

        public int PartitionCount(Uuid topicId) => Name(topicId) is { } name ? Topics[name] : 0;

        public ImmutableList<TestMember> WithTargets(IReadOnlyDictionary<string, PartitionSet> targets) =>
            [.. Members.Select(member => member with { Target = targets[member.Id] })];

        public string Text(IReadOnlyDictionary<string, PartitionSet> found) => string.Join(" ; ", Members.Select(member => member.Id)
            .Order(StringComparer.Ordinal)
            .Select(id => $"{id}={string.Join(',', found[id].Select(partition => $"{Name(partition.TopicId)}-{partition.Partition}"))}"));

        public static TestGroup Random(Random random, bool uneven)
        {
            var topics = Enumerable.Range(0, random.Next(1, 6)).ToImmutableSortedDictionary(i => $"{(char)('a' + i)}", _ => random.Next(1, 12));
            var all = topics.Keys.ToArray();
            var group = new TestGroup(topics, []);
            var claims = all.SelectMany(topic => Enumerable.Range(0, topics[topic]).Select(i => new TopicIdPartition(group.Id(topic), i))).ToArray();
            return group with
            {
                Members =
                [
                    .. Enumerable.Range(0, random.Next(1, 9)).Select(i => new TestMember(
                        $"m{i}",
                        random.Next(3) == 0 ? $"i{random.Next(100)}-{i}" : null,
                        uneven && random.Next(2) == 0 ? [.. random.GetItems(all, random.Next(1, 4))] : [.. all],
                        PartitionSet.Of(random.GetItems(claims, random.Next(0, 8))))),
                ],
            };
        }
    }
}
