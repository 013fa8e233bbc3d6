using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Metadata.Tests.Images;

public class MetadataImageTests
{
    private static readonly Uuid Orders = new(1, 1);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 30)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Records_one_by_one_and_all_at_once_give_the_same_image(int seed)
    {
        var records = new RandomLog(seed).Take(300);
        var oneByOne = records.Aggregate(MetadataImage.Empty, (image, record) => image.Apply(record));
        Assert.Equal(ImageText.Of(oneByOne), ImageText.Of(MetadataImage.Empty.Apply(records)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_snapshot_of_an_image_gives_the_image_back(int seed)
    {
        var image = MetadataImage.Empty.Apply(new RandomLog(seed).Take(400)).Apply(new FeatureLevelRecord { Name = "metadata.version", FeatureLevel = 29 });
        var again = MetadataImage.Empty.Apply(SnapshotRecords.Of(image));
        Assert.Equal(ImageText.Of(image), ImageText.Of(again));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Records_survive_their_encoding(int seed)
    {
        var records = new RandomLog(seed).Take(200);
        using var builder = new RecordBatchBuilder();
        var bytes = MetadataBatches.Write(builder, records, 29, baseOffset: 5, epoch: 3, nowMs: 77);

        var batch = Assert.Single(MetadataBatches.Read(bytes));
        Assert.Equal((5, 204, 3, 77), (batch.BaseOffset, batch.LastOffset, batch.Epoch, batch.TimestampMs));
        Assert.Empty(batch.ControlRecords);
        Assert.Equal(ImageText.Of(MetadataImage.Empty.Apply(records)), ImageText.Of(MetadataImage.Empty.Apply(batch.Records)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_changed_is_the_same_whether_it_is_searched_for_or_remembered(int seed)
    {
        var log = new RandomLog(seed);
        var image = MetadataImage.Empty.Apply(log.Take(200));
        for (var step = 0; step < 20; step++)
        {
            var remembered = image.Replay(log.Take(10));
            var searched = MetadataDelta.Between(image, remembered.After);
            Assert.Equal(Text(searched), Text(remembered));
            Assert.Same(image, remembered.Before);
            Assert.Same(remembered.Latest, remembered.After);
            CheckAgainstImages(searched);
            image = remembered.After;
        }
    }

    [Fact]
    public void A_topic_is_found_by_name_and_id_until_it_is_removed()
    {
        var image = MetadataImage.Empty.Apply([
            new TopicRecord { Name = "orders", TopicId = Orders },
            new PartitionRecord { TopicId = Orders, PartitionId = 0, Replicas = [1, 2], Isr = [1], Leader = 1, LeaderEpoch = 0, PartitionEpoch = 0 },
            new ConfigRecord { ResourceType = 2, ResourceName = "orders", Name = "retention.ms", Value = "1" },
        ]);
        Assert.True(image.Topics.TryGet("orders", out var topic));
        Assert.Equal(1, topic.Partitions[0].Leader);
        Assert.Equal([Uuid.Zero, Uuid.Zero], topic.Partitions[0].Directories);
        Assert.NotNull(image.Topics.FindPartition(new TopicIdPartition(Orders, 0)));
        Assert.NotNull(image.Topics.FindPartition(new TopicPartition("orders", 0)));
        Assert.Null(image.Topics.FindPartition(new TopicPartition("orders", 1)));
        Assert.Equal("1", image.Configs.Of(ConfigResource.Topic("orders"))["retention.ms"]);

        var delta = image.Replay([new RemoveTopicRecord { TopicId = Orders }]);
        Assert.Equal(topic, Assert.Single(delta.DeletedTopics));
        Assert.Equal([ConfigResource.Topic("orders")], delta.ChangedConfigs);
        Assert.False(delta.After.Topics.TryGet("orders", out _));
        Assert.False(delta.After.Topics.TryGet(Orders, out _));
        Assert.Empty(delta.After.Configs.ByResource);
        Assert.True(image.Topics.TryGet(Orders, out _));
    }

    [Fact]
    public void Epochs_follow_from_what_a_change_holds()
    {
        var image = MetadataImage.Empty.Apply([
            new TopicRecord { Name = "orders", TopicId = Orders },
            new PartitionRecord
            {
                TopicId = Orders, PartitionId = 0, Replicas = [1, 2], Isr = [1, 2], Leader = 1, LeaderEpoch = 4, PartitionEpoch = 7,
                Directories = [new Uuid(1, 1), new Uuid(1, 2)],
            },
        ]);

        var shrunk = Partition(image.Apply(new PartitionChangeRecord { TopicId = Orders, PartitionId = 0, Isr = [1] }));
        Assert.Equal((1, 4, 8), (shrunk.Leader, shrunk.LeaderEpoch, shrunk.PartitionEpoch));
        Assert.Equal([1], shrunk.Isr);

        var sameLeader = Partition(image.Apply(new PartitionChangeRecord { TopicId = Orders, PartitionId = 0, Leader = 1 }));
        Assert.Equal((1, 5, 8), (sameLeader.Leader, sameLeader.LeaderEpoch, sameLeader.PartitionEpoch));

        var leaderless = Partition(image.Apply(new PartitionChangeRecord { TopicId = Orders, PartitionId = 0, Leader = -1 }));
        Assert.Equal((false, 5, 8), (leaderless.HasLeader, leaderless.LeaderEpoch, leaderless.PartitionEpoch));

        var moved = Partition(image.Apply(new PartitionChangeRecord { TopicId = Orders, PartitionId = 0, Replicas = [2, 3] }));
        Assert.Equal([new Uuid(1, 2), Uuid.UnassignedDirectory], moved.Directories);

        static PartitionImage Partition(MetadataImage image) => image.Topics.FindPartition(new TopicIdPartition(Orders, 0))!;
    }

    [Fact]
    public void A_metadata_transaction_is_shown_whole()
    {
        var before = MetadataImage.Empty.Apply(new TopicRecord { Name = "orders", TopicId = Orders });
        var begun = before.Replay([
            new TopicRecord { Name = "seen", TopicId = new Uuid(2, 2) }, new BeginTransactionRecord(),
            new TopicRecord { Name = "hidden", TopicId = new Uuid(3, 3) }, new PartitionRecord { TopicId = Orders, PartitionId = 0 },
        ]);
        Assert.Empty(begun.ChangedTopics);
        Assert.Equal(["seen"], begun.CreatedTopics.Select(topic => topic.Name));
        Assert.Equal(2, begun.After.Topics.Count);
        Assert.Equal(3, begun.Latest.Topics.Count);
        Assert.True(begun.Latest.IsInTransaction);

        var more = begun.Latest.Replay([new RemoveTopicRecord { TopicId = Orders }]);
        Assert.True(more.TopicsAreSame);

        var ended = more.Latest.Replay([new EndTransactionRecord()]);
        Assert.Equal(["hidden"], ended.CreatedTopics.Select(topic => topic.Name));
        Assert.Equal(["orders"], ended.DeletedTopics.Select(topic => topic.Name));
        Assert.False(ended.Latest.IsInTransaction);

        var aborted = more.Latest.Replay([new AbortTransactionRecord()]);
        Assert.True(aborted.TopicsAreSame);
        Assert.Equal(ImageText.Of(begun.After), ImageText.Of(aborted.Latest));
        Assert.False(aborted.Latest.IsInTransaction);
    }

    [Fact]
    public void Names_that_differ_in_dots_and_underscores_are_found_as_colliding()
    {
        var image = MetadataImage.Empty.Apply([
            new TopicRecord { Name = "a.b_c", TopicId = Orders }, new TopicRecord { Name = "plain", TopicId = new Uuid(2, 2) },
        ]);
        Assert.Equal("a.b_c", image.Topics.FindColliding("a_b.c"));
        Assert.Equal("a.b_c", image.Topics.FindColliding("a.b_c"));
        Assert.Null(image.Topics.FindColliding("a-b_c"));
        Assert.Null(image.Topics.FindColliding("plain"));
        Assert.Null(image.Apply(new RemoveTopicRecord { TopicId = Orders }).Topics.FindColliding("a_b.c"));
    }

    [Fact]
    public void Records_that_contradict_the_log_are_malformed()
    {
        var image = MetadataImage.Empty.Apply(new TopicRecord { Name = "orders", TopicId = Orders });
        IMetadataRecord[] records =
        [
            new TopicRecord { Name = "orders", TopicId = new Uuid(2, 2) },
            new TopicRecord { Name = "other", TopicId = Orders },
            new PartitionRecord { TopicId = new Uuid(2, 2), PartitionId = 0 },
            new PartitionChangeRecord { TopicId = Orders, PartitionId = 0 },
            new RemoveTopicRecord { TopicId = new Uuid(2, 2) },
            new UnregisterBrokerRecord { BrokerId = 1 },
            new BrokerRegistrationChangeRecord { BrokerId = 1 },
            new EndTransactionRecord(),
            new AbortTransactionRecord(),
        ];
        Assert.All(records, record => Assert.Throws<MalformedMessageException>(() => image.Apply(record)));
        Assert.Throws<MalformedMessageException>(() => image.Apply([new BeginTransactionRecord(), new BeginTransactionRecord()]));
    }

    [Fact]
    public void Ten_thousand_partitions_replay_with_little_garbage()
    {
        var records = new List<IMetadataRecord> { new TopicRecord { Name = "large", TopicId = Orders } };
        records.AddRange(Enumerable.Range(0, 10_000).Select(id => new PartitionRecord
        {
            TopicId = Orders, PartitionId = id, Replicas = [1], Isr = [1], Leader = 1, LeaderEpoch = 0, PartitionEpoch = 0, Directories = [new Uuid(5, 5)],
        }));
        MetadataImage.Empty.Apply(records);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var image = MetadataImage.Empty.Apply(records);
        var perPartition = (GC.GetAllocatedBytesForCurrentThread() - before) / 10_000;
        Assert.InRange(perPartition, 0, 600);
        Assert.Equal(10_000, image.Topics.ByName["large"].Partitions.Count);

        before = GC.GetAllocatedBytesForCurrentThread();
        var delta = image.Replay([new PartitionChangeRecord { TopicId = Orders, PartitionId = 77, Leader = -1 }]);
        Assert.Equal([77], Assert.Single(delta.ChangedTopics).Partitions);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000);

        Assert.Equal(Text(MetadataDelta.Between(image, delta.After)), Text(delta));
    }

    private static string Text(MetadataDelta delta) =>
        $"""
        created {string.Join(' ', delta.CreatedTopics.Select(topic => topic.Name).Order())}
        deleted {string.Join(' ', delta.DeletedTopics.Select(topic => topic.Name).Order())}
        changed {string.Join(' ', delta.ChangedTopics.Select(change => $"{change.After.Name}({string.Join(',', change.Partitions)})").Order())}
        configs {string.Join(' ', delta.ChangedConfigs.Select(resource => resource.ToString()).Order())}
        brokers {string.Join(' ', delta.ChangedBrokers)}
        """;

    // What the delta says, and only that, leads from one image to the other.
    private static void CheckAgainstImages(MetadataDelta delta)
    {
        var (before, after) = (delta.Before.Topics.ById, delta.After.Topics.ById);
        Assert.Equal(after.Keys.Except(before.Keys).Order(), delta.CreatedTopics.Select(topic => topic.Id).Order());
        Assert.Equal(before.Keys.Except(after.Keys).Order(), delta.DeletedTopics.Select(topic => topic.Id).Order());
        foreach (var id in before.Keys.Intersect(after.Keys))
        {
            var change = delta.ChangedTopics.FirstOrDefault(change => change.After.Id == id);
            foreach (var (partition, image) in after[id].Partitions)
            {
                var isSame = before[id].TryGetPartition(partition, out var previous) && ImageText.Of(previous) == ImageText.Of(image);
                if (!isSame)
                    Assert.Contains(partition, change!.Partitions);
            }
        }
    }
}
