using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Metadata.Tests.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>
/// Random lives of a cluster of four brokers: topics come, grow, move and go; brokers stop, crash, come back and fall silent;
/// controllers fail over. After every step the image must be sound. The seed is the test's argument.
/// </summary>
public class ControllerPropertyTests
{
    public static TheoryData<int, bool> Seeds => [.. Enumerable.Range(1, 40).Select(seed => (seed, seed % 4 != 0))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_is_asked_the_image_stays_sound(int seed, bool withEligibleLeaders)
    {
        var random = new Random(seed);
        var cluster = new Cluster(withEligibleLeaders: withEligibleLeaders).WithBrokers(1, 2, 3, 4);
        for (var step = 0; step < 150; step++)
        {
            var before = cluster.Image;
            Step(cluster, random, step);
            Check(before, cluster.Image);
        }

        var replayed = MetadataImage.Empty.Apply(SnapshotRecords.Of(cluster.Image));
        Assert.Equal(ImageText.Of(cluster.Image), ImageText.Of(replayed));
    }

    private static void Step(Cluster cluster, Random random, int step)
    {
        cluster.NowMs += random.Next(4000);
        var broker = random.Next(1, 5);
        var topic = cluster.Image.Topics.ByName.Keys.Order().ElementAtOrDefault(random.Next(Math.Max(cluster.Image.Topics.Count, 1)));
        switch (random.Next(14))
        {
            case 0 or 1:
                (string, string?)[] configs = random.Next(3) == 0 ? [("min.insync.replicas", "2")] : [];
                cluster.CreateTopic($"t{step}", random.Next(1, 5), random.Next(1, 5), configs);
                break;
            case 2 when topic is not null:
                cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, new DeleteTopicsRequest { Topics = [new() { Name = topic }] }, cluster.Context));
                break;
            case 3 when topic is not null:
                var count = cluster.Image.Topics.ByName[topic].Partitions.Count + random.Next(1, 3);
                var request = new CreatePartitionsRequest { Topics = [new() { Name = topic, Count = count, Assignments = null }] };
                cluster.Do(cluster.Controller.CreatePartitions(cluster.Image, request, cluster.Context));
                break;
            case 4 when topic is not null:
                AlterRandomIsr(cluster, random, topic);
                break;
            case 5:
                cluster.Heartbeat(broker, wantFence: random.Next(2) == 0, wantShutDown: random.Next(3) == 0);
                break;
            case 6: // a new process, after a clean stop or a crash
                var existing = cluster.Image.Brokers[broker];
                cluster.Register(broker, again => again.PreviousBrokerEpoch = random.Next(2) == 0 ? existing.Epoch : -1, incarnation: step + 2);
                break;
            case 7:
                cluster.Do(cluster.Controller.FenceStaleBroker(cluster.Image, cluster.Context));
                break;
            case 8 when random.Next(3) == 0:
                cluster.FailOver();
                break;
            case 9 when topic is not null:
                var minimum = new IncrementalAlterConfigsRequest
                {
                    Resources = [new() { ResourceType = 2, ResourceName = topic, Configs = [new() { Name = "min.insync.replicas", Value = $"{random.Next(1, 4)}" }] }],
                };
                cluster.Do(cluster.Controller.IncrementalAlterConfigs(cluster.Image, minimum, cluster.Context));
                break;
            case 10 when topic is not null:
                int[]? wanted = random.Next(3) == 0 ? null : [.. Enumerable.Range(1, 4).OrderBy(_ => random.Next()).Take(random.Next(1, 5))];
                var reassignment = new AlterPartitionReassignmentsRequest { Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = 0, Replicas = wanted }] }] };
                cluster.Do(cluster.Controller.AlterPartitionReassignments(cluster.Image, reassignment));
                break;
            case 11:
                var election = new ElectLeadersRequest { ElectionType = (sbyte)random.Next(2), TopicPartitions = null };
                cluster.Do(cluster.Controller.ElectLeaders(cluster.Image, election));
                break;
            default:
                cluster.Heartbeat(broker);
                break;
        }
    }

    private static void AlterRandomIsr(Cluster cluster, Random random, string topic)
    {
        var partition = cluster.Partition(topic);
        if (!partition.HasLeader)
            return;
        var isr = partition.Replicas.Where(id => id == partition.Leader || random.Next(2) == 0).Take(partition.RecoveryState == LeaderRecoveryState.Recovering ? 1 : 4);
        var request = new AlterPartitionRequest
        {
            BrokerId = partition.Leader,
            BrokerEpoch = cluster.Image.Brokers[partition.Leader].Epoch,
            Topics =
            [
                new()
                {
                    TopicId = cluster.Image.Topics.ByName[topic].Id,
                    Partitions =
                    [
                        new()
                        {
                            LeaderEpoch = partition.LeaderEpoch,
                            PartitionEpoch = partition.PartitionEpoch,
                            NewIsrWithEpochs = [.. isr.Select(id => new AlterPartitionRequest.BrokerState { BrokerId = id })],
                        },
                    ],
                },
            ],
        };
        cluster.Do(cluster.Controller.AlterPartition(cluster.Image, request));
    }

    private static void Check(MetadataImage before, MetadataImage after)
    {
        foreach (var topic in after.Topics.ById.Values)
        {
            Assert.Equal(Enumerable.Range(0, topic.Partitions.Count), topic.Partitions.Keys);
            foreach (var (id, partition) in topic.Partitions)
            {
                Check(partition, after);
                if (before.Topics.FindPartition(new TopicIdPartition(topic.Id, id)) is { } previous)
                    CheckChange(previous, partition);
            }
        }

        foreach (var broker in after.Brokers.Values)
            Assert.True(!before.Brokers.TryGetValue(broker.Id, out var previous) || previous.Epoch <= broker.Epoch);
    }

    private static void Check(PartitionImage partition, MetadataImage image)
    {
        Assert.Equal(partition.Replicas.Length, partition.Directories.Length);
        Assert.Empty(partition.Isr.Except(partition.Replicas));
        Assert.Empty(partition.EligibleLeaders.Except(partition.Replicas));
        Assert.Empty(partition.Isr.Intersect(partition.EligibleLeaders));
        Assert.Equal(partition.Isr.Length, partition.Isr.Distinct().Count());
        Assert.Equal(partition.Replicas.Length, partition.Replicas.Distinct().Count());
        Assert.Empty(partition.AddingReplicas.AddRange(partition.RemovingReplicas).Except(partition.Replicas));
        Assert.Empty(partition.AddingReplicas.Intersect(partition.RemovingReplicas));
        Assert.NotEmpty(partition.Replicas.Except(partition.RemovingReplicas)); // somebody is to stay
        if (partition.HasLeader)
        {
            Assert.Contains(partition.Leader, partition.Isr);
            Assert.All(partition.Isr, id => Assert.True(image.Brokers[id].IsActive, $"{image.Brokers[id]} is in sync: {ImageText.Of(partition)}"));
        }
        else
        {
            // Nobody leads only where nobody may.
            Assert.DoesNotContain(partition.Isr, id => image.Brokers[id].IsActive);
            if (partition.Isr.IsEmpty)
                Assert.DoesNotContain(partition.EligibleLeaders, id => image.Brokers[id].IsActive);
        }

        if (!image.Features.HasEligibleLeaders)
        {
            Assert.NotEmpty(partition.Isr);
            Assert.Empty(partition.EligibleLeaders);
        }
    }

    private static void CheckChange(PartitionImage before, PartitionImage after)
    {
        Assert.True(after.PartitionEpoch >= before.PartitionEpoch);
        Assert.True(after.LeaderEpoch >= before.LeaderEpoch);
        if (after.Leader != before.Leader)
            Assert.True(after.LeaderEpoch > before.LeaderEpoch);
        if (!after.Isr.SequenceEqual(before.Isr))
            Assert.True(after.PartitionEpoch > before.PartitionEpoch);
    }
}
