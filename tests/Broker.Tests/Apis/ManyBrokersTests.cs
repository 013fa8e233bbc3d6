using Milena.Broker.Apis;
using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>
/// A cluster of several brokers, made of metadata records alone, as clients of a listener see it: 1 is well, 2 is fenced, 3 does not
/// have the listener, 4 never registered.
/// </summary>
public sealed class ManyBrokersTests
{
    private const string Internal = "INTERNAL";
    private static readonly Uuid Topic = new(5, 500);
    private static readonly MetadataCache Metadata = Cluster();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(13)]
    public async Task Partitions_tell_what_is_wrong_with_their_leaders_in_the_words_of_the_version(int version)
    {
        var api = new MetadataApi(Metadata, null!, NoQuotas.Instance, "cluster");
        var response = (
            await api.Handle(new MetadataRequest { Topics = version == 0 ? [] : null }, await Context(ApiKey.Metadata, version)))!;
        Frames.Response(response, (short)version, 1).Dispose();
        Assert.Equal([(1, "host-1")], response.Brokers.Select(broker => (broker.NodeId, broker.Host)));
        Assert.Equal(1, response.ControllerId);
        var noListener = version >= 6 ? ErrorCode.ListenerNotFound : ErrorCode.LeaderNotAvailable;
        var missingReplica = version == 0 ? ErrorCode.ReplicaNotAvailable : ErrorCode.None;
        Assert.Equal(
            [
                (0, ErrorCode.None, 1, ""),
                (1, missingReplica, 1, "2"),
                (2, ErrorCode.LeaderNotAvailable, -1, "2"),
                (3, noListener, -1, "3"),
                (4, ErrorCode.LeaderNotAvailable, -1, "4"),
                (5, ErrorCode.LeaderNotAvailable, -1, "2,3"),
            ],
            response.Topics[0].Partitions.Select(partition =>
                (partition.PartitionIndex, partition.ErrorCode, partition.LeaderId, string.Join(',', partition.OfflineReplicas))));
    }

    [Fact]
    public async Task Another_listener_shows_the_brokers_that_it_reaches_at_its_own_addresses()
    {
        var response = (await new MetadataApi(Metadata, null!, NoQuotas.Instance, "cluster").Handle(
            new MetadataRequest { Topics = null }, await Context(ApiKey.Metadata, 13, Internal)))!;
        Assert.Equal(
            [(1, "internal-1", "rack-1"), (3, "internal-3", "rack-3")],
            response.Brokers.Select(broker => (broker.NodeId, broker.Host, broker.Rack!)));
        Assert.Equal(
            (ErrorCode.None, 3), response.Topics[0].Partitions[3] is var partition ? (partition.ErrorCode, partition.LeaderId) : default);
    }

    [Fact]
    public async Task Pages_of_partitions_tell_the_same()
    {
        var api = new DescribeTopicPartitionsApi(Metadata, partitionsMax: 2000);
        var response = (
            await api.Handle(new DescribeTopicPartitionsRequest { Topics = [] }, await Context(ApiKey.DescribeTopicPartitions, 0)))!;
        Assert.Equal(
            [
                ErrorCode.None,
                ErrorCode.None,
                ErrorCode.LeaderNotAvailable,
                ErrorCode.ListenerNotFound,
                ErrorCode.LeaderNotAvailable,
                ErrorCode.LeaderNotAvailable,
            ],
            response.Topics[0].Partitions.Select(partition => partition.ErrorCode));
    }

    [Fact]
    public async Task Fenced_brokers_are_told_to_who_asks_for_them()
    {
        var api = new DescribeClusterApi(Metadata, "cluster");
        var alive = (await api.Handle(new DescribeClusterRequest(), await Context(ApiKey.DescribeCluster, 2)))!;
        Assert.Equal([(1, false)], alive.Brokers.Select(broker => (broker.BrokerId, broker.IsFenced)));
        var all = (await api.Handle(new DescribeClusterRequest { IncludeFencedBrokers = true }, await Context(ApiKey.DescribeCluster, 2)))!;
        Assert.Equal([(1, false), (2, true)], all.Brokers.Select(broker => (broker.BrokerId, broker.IsFenced)));
    }

    private static MetadataCache Cluster()
    {
        var delta = MetadataImage.Empty.Replay(
        [
            Broker(1, isFenced: false, TestBroker.Listener, Internal),
            Broker(2, isFenced: true, TestBroker.Listener),
            Broker(3, isFenced: false, Internal),
            new TopicRecord { Name = "t", TopicId = Topic },
            Partition(0, leader: 1, 1),
            Partition(1, leader: 1, 1, 2),
            Partition(2, leader: 2, 1, 2),
            Partition(3, leader: 3, 1, 3),
            Partition(4, leader: 4, 1, 4),
            Partition(5, leader: -1, 2, 3),
        ]);
        var metadata = new MetadataCache();
        metadata.Publish(delta.After);
        return metadata;
    }

    private static RegisterBrokerRecord Broker(int id, bool isFenced, params string[] listeners) => new()
    {
        BrokerId = id,
        BrokerEpoch = id,
        IncarnationId = new Uuid(1, 1000 + (ulong)id),
        EndPoints =
        [
            .. listeners.Select(listener => new RegisterBrokerRecord.BrokerEndpoint
            {
                Name = listener,
                Host = listener == Internal ? $"internal-{id}" : $"host-{id}",
                Port = 9092,
            }),
        ],
        Rack = $"rack-{id}",
        Fenced = isFenced,
    };

    private static PartitionRecord Partition(int number, int leader, params int[] replicas) => new()
    {
        PartitionId = number,
        TopicId = Topic,
        Replicas = replicas,
        Isr = replicas,
        Leader = leader,
        LeaderEpoch = 3,
        PartitionEpoch = 0,
        Directories = [.. replicas.Select(_ => Uuid.UnassignedDirectory)],
    };

    private static async Task<RequestContext> Context(ApiKey key, int version, string listener = TestBroker.Listener) =>
        new(await TestConnection.Make(listener), InboundFrame.Copy([]), key, (short)version, 1, "tests", TestConnection.Metrics);
}
