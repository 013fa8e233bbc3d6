using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>Registration, heartbeats and fencing, and what they do to partitions.</summary>
public class BrokerLifeTests
{
    [Fact]
    public void A_broker_begins_fenced_with_the_offset_of_its_record_as_epoch()
    {
        var cluster = new Cluster();
        var offset = cluster.Image.EndOffset;
        var response = cluster.Register(1);
        Assert.Equal((ErrorCode.None, offset), (response.ErrorCode, response.BrokerEpoch));
        var record = Assert.IsType<RegisterBrokerRecord>(Assert.Single(cluster.Records));
        Assert.True(record.Fenced);
        Assert.Equal("host1", cluster.Image.Brokers[1].EndpointOf("PLAINTEXT")!.Host);
        Assert.Null(cluster.Image.Brokers[1].EndpointOf("SSL"));
    }

    [Fact]
    public void It_is_unfenced_once_it_has_read_its_own_registration()
    {
        var cluster = new Cluster();
        var epoch = cluster.Register(1).BrokerEpoch;
        var behind = cluster.Heartbeat(1, offset: epoch - 1);
        Assert.Equal((false, true), (behind.IsCaughtUp, behind.IsFenced));
        Assert.Empty(cluster.Records);
        var caughtUp = cluster.Heartbeat(1, offset: epoch);
        Assert.Equal((true, false, false), (caughtUp.IsCaughtUp, caughtUp.IsFenced, caughtUp.ShouldShutDown));
        Assert.Equal(-1, Assert.IsType<BrokerRegistrationChangeRecord>(Assert.Single(cluster.Records)).Fenced);
        Assert.True(cluster.Image.Brokers[1].IsActive);
        cluster.Heartbeat(1);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void The_same_process_amends_its_registration_and_keeps_its_epoch()
    {
        var cluster = new Cluster().WithBrokers(1);
        var epoch = cluster.Image.Brokers[1].Epoch;
        var response = cluster.Register(1, request => request.Rack = "r");
        Assert.Equal(epoch, response.BrokerEpoch);
        Assert.Equal((true, "r"), (cluster.Image.Brokers[1].IsActive, cluster.Image.Brokers[1].Rack));
    }

    [Fact]
    public void Registrations_that_cannot_be_are_refused()
    {
        var cluster = new Cluster().WithBrokers(1);
        Assert.Equal(ErrorCode.InconsistentClusterId, cluster.Register(2, request => request.ClusterId = "other").ErrorCode);
        Assert.Equal(ErrorCode.DuplicateBrokerRegistration, cluster.Register(1, incarnation: 2).ErrorCode);
        Assert.Equal(ErrorCode.BrokerIdNotRegistered, cluster.Register(2, request => request.IsMigratingZkBroker = true).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRegistration, cluster.Register(2, request => request.LogDirs = []).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRegistration, cluster.Register(2, request => request.LogDirs = [new Uuid(0, 5)]).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRegistration, cluster.Register(2, request => request.LogDirs = [new Uuid(5, 5), new Uuid(5, 5)]).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRegistration, cluster.Register(2, request => request.LogDirs = [Cluster.Directory(1)]).ErrorCode);
        Assert.Equal(ErrorCode.UnsupportedVersion, cluster.Register(2, request => request.Features = []).ErrorCode);
        Assert.Equal(ErrorCode.UnsupportedVersion, cluster.Register(2, request => request.Features = [.. request.Features.Where(feature => feature.Name != "group.version")]).ErrorCode);
        Assert.Equal(ErrorCode.UnsupportedVersion, cluster.Register(2, request => request.Features[0].MaxSupportedVersion = 0).ErrorCode);
        Assert.Equal([1], cluster.Image.Brokers.Keys);
    }

    [Fact]
    public void Heartbeats_of_nobody_and_of_an_earlier_life_are_refused()
    {
        var cluster = new Cluster().WithBrokers(1);
        var epoch = cluster.Image.Brokers[1].Epoch;
        Assert.Equal(ErrorCode.StaleBrokerEpoch, cluster.Heartbeat(1, epoch - 1).ErrorCode);
        Assert.Equal(ErrorCode.BrokerIdNotRegistered, cluster.Heartbeat(7, epoch).ErrorCode);
    }

    [Fact]
    public void A_process_that_comes_back_after_a_crash_need_not_wait_for_the_controller_that_crashed_with_it()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.FailOver();
        Assert.Equal(ErrorCode.None, cluster.Register(1, incarnation: 2).ErrorCode);

        // But once the broker has spoken to the new controller, nobody else takes its id.
        cluster.FailOver();
        cluster.Heartbeat(1);
        Assert.Equal(ErrorCode.DuplicateBrokerRegistration, cluster.Register(1, incarnation: 3).ErrorCode);
        cluster.NowMs += 9000;
        Assert.Equal(ErrorCode.None, cluster.Register(1, incarnation: 3).ErrorCode);
    }

    [Fact]
    public void A_broker_that_is_silent_for_a_session_is_fenced()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.CreateTopic("t", 1, 2);
        var leader = cluster.Partition("t").Leader;
        cluster.NowMs += 8999;
        Assert.Null(Fence(cluster));
        cluster.Heartbeat(3 - leader);
        cluster.NowMs += 1;
        Assert.Equal(leader, Fence(cluster));
        Assert.Equal((3 - leader, 1), (cluster.Partition("t").Leader, cluster.Partition("t").LeaderEpoch));
        Assert.Equal([3 - leader], cluster.Partition("t").Isr);
        Assert.Null(Fence(cluster));
    }

    [Fact]
    public void A_new_controller_gives_brokers_a_whole_session()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.NowMs += 100_000;
        cluster.FailOver();
        Assert.Null(Fence(cluster));
        cluster.NowMs += 8999;
        Assert.Null(Fence(cluster));
        cluster.NowMs += 1;
        Assert.Equal(1, Fence(cluster));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_only_replica_gives_up_and_takes_back_its_partition_over_a_clean_restart(bool withEligibleLeaders)
    {
        var cluster = new Cluster(withEligibleLeaders: withEligibleLeaders).WithBrokers(1);
        cluster.CreateTopic("t");
        var epoch = cluster.Image.Brokers[1].Epoch;
        Assert.False(cluster.Heartbeat(1, wantShutDown: true).ShouldShutDown);
        Assert.False(cluster.Partition("t").HasLeader);
        Assert.Equal(withEligibleLeaders ? [] : [1], cluster.Partition("t").Isr);
        Assert.Equal(withEligibleLeaders ? [1] : [], cluster.Partition("t").EligibleLeaders);
        Assert.True(cluster.Heartbeat(1, wantShutDown: true).ShouldShutDown);

        var again = cluster.Register(1, request => request.PreviousBrokerEpoch = epoch, incarnation: 2);
        Assert.False(cluster.Heartbeat(1, again.BrokerEpoch).IsFenced);
        var partition = cluster.Partition("t");
        Assert.Equal((1, LeaderRecoveryState.Recovered), (partition.Leader, partition.RecoveryState));
        Assert.Equal([1], partition.Isr);
        Assert.Empty(partition.EligibleLeaders);
        Assert.Empty(partition.LastKnownEligibleLeaders);
    }

    [Fact]
    public void After_a_crash_the_last_leader_takes_over_alone_and_says_when_it_has_recovered()
    {
        var cluster = new Cluster().WithBrokers(1);
        var topic = cluster.CreateTopic("t").TopicId;
        cluster.FailOver();
        var epoch = cluster.Register(1, incarnation: 2).BrokerEpoch;
        Assert.Empty(cluster.Partition("t").EligibleLeaders);
        Assert.Equal([1], cluster.Partition("t").LastKnownEligibleLeaders);
        cluster.Heartbeat(1, epoch);
        var partition = cluster.Partition("t");
        Assert.Equal((1, LeaderRecoveryState.Recovering), (partition.Leader, partition.RecoveryState));
        Assert.Equal([1], partition.Isr);
        Assert.Empty(partition.LastKnownEligibleLeaders);

        var request = new AlterPartitionRequest
        {
            BrokerId = 1,
            BrokerEpoch = epoch,
            Topics = [new()
            {
                TopicId = topic,
                Partitions = [new() { PartitionIndex = 0, LeaderEpoch = partition.LeaderEpoch, PartitionEpoch = partition.PartitionEpoch, NewIsrWithEpochs = [new() { BrokerId = 1, BrokerEpoch = epoch }] }],
            }],
        };
        var result = Assert.Single(Assert.Single(cluster.Do(cluster.Controller.AlterPartition(cluster.Image, request)).Topics).Partitions);
        Assert.Equal((ErrorCode.None, partition.LeaderEpoch, partition.PartitionEpoch + 1), (result.ErrorCode, result.LeaderEpoch, result.PartitionEpoch));
        Assert.Equal(LeaderRecoveryState.Recovered, cluster.Partition("t").RecoveryState);
    }

    [Fact]
    public void A_leaving_broker_hands_over_before_it_may_go()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.Create(Assigned("t", (0, [1, 2])));
        Assert.False(cluster.Heartbeat(1, wantShutDown: true).ShouldShutDown);
        Assert.True(cluster.Image.Brokers[1].IsInControlledShutdown);
        Assert.Equal(2, cluster.Partition("t").Leader);
        Assert.False(cluster.Heartbeat(1, wantShutDown: true).ShouldShutDown); // broker 2 has not heard of it
        cluster.Heartbeat(2);
        Assert.True(cluster.Heartbeat(1, wantShutDown: true).ShouldShutDown);
        Assert.True(cluster.Image.Brokers[1].IsFenced);

        // Who leads nothing may go at once.
        cluster.WithBrokers(3);
        Assert.True(cluster.Heartbeat(3, wantShutDown: true).ShouldShutDown);
    }

    [Fact]
    public void A_process_that_began_to_leave_is_not_unfenced_again()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("t");
        cluster.Heartbeat(1, wantShutDown: true);
        cluster.NowMs += 9000;
        Assert.Equal(1, Fence(cluster));
        Assert.True(cluster.Heartbeat(1).IsFenced);
        Assert.False(cluster.Partition("t").HasLeader);
        Assert.False(cluster.Heartbeat(1, cluster.Register(1, incarnation: 2).BrokerEpoch).IsFenced);
        Assert.Equal(1, cluster.Partition("t").Leader);
    }

    [Fact]
    public void A_process_that_replaces_a_crashed_one_is_not_elected_before_it_is_unfenced()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("t", 1, 1, ("unclean.leader.election.enable", "true"));
        cluster.FailOver();
        cluster.Register(1, incarnation: 2);
        Assert.False(cluster.Partition("t").HasLeader);
        cluster.Heartbeat(1);
        Assert.Equal(1, cluster.Partition("t").Leader);
    }

    [Fact]
    public void Partitions_of_a_lost_directory_lose_their_replica()
    {
        var cluster = new Cluster().WithBrokers(2);
        Uuid[] directories = [Cluster.Directory(1, 0), Cluster.Directory(1, 1)];
        var epoch = cluster.Register(1, request => request.LogDirs = directories).BrokerEpoch;
        cluster.Heartbeat(1, epoch);
        cluster.Create(Assigned("t", (0, [1, 2])), Assigned("alone", (0, [1])));
        Assert.Equal(Uuid.UnassignedDirectory, cluster.Partition("t").DirectoryOf(1));
        // The broker has put both into its first directory.
        foreach (var name in new[] { "t", "alone" })
        {
            var replicas = cluster.Partition(name).Replicas;
            cluster.Do(new Decision<int, IMetadataRecord>(0, new PartitionChangeRecord
            {
                TopicId = cluster.Image.Topics.ByName[name].Id, PartitionId = 0, Directories = [.. replicas.Select(broker => Cluster.Directory(broker))],
            }));
        }

        cluster.Heartbeat(1, epoch, offline: directories[0]);
        Assert.Equal(2, cluster.Partition("t").Leader);
        Assert.False(cluster.Partition("alone").HasLeader);
        Assert.Equal([directories[1]], cluster.Image.Brokers[1].Directories);
        cluster.Heartbeat(1, epoch, offline: directories[0]);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void A_broker_can_be_forgotten()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.Create(Assigned("t", (0, [1, 2])));
        var request = new UnregisterBrokerRequest { BrokerId = 1 };
        Assert.Equal(ErrorCode.None, cluster.Do(cluster.Controller.UnregisterBroker(cluster.Image, request)).ErrorCode);
        Assert.Equal([2], cluster.Image.Brokers.Keys);
        Assert.Equal(2, cluster.Partition("t").Leader);
        Assert.Equal(ErrorCode.BrokerIdNotRegistered, cluster.Do(cluster.Controller.UnregisterBroker(cluster.Image, request)).ErrorCode);
    }

    [Fact]
    public void Producer_ids_are_given_in_blocks_of_a_thousand_to_brokers_of_this_life()
    {
        var cluster = new Cluster().WithBrokers(1);
        var request = new AllocateProducerIdsRequest { BrokerId = 1, BrokerEpoch = cluster.Image.Brokers[1].Epoch };
        for (var block = 0; block < 3; block++)
        {
            var response = cluster.Do(cluster.Controller.AllocateProducerIds(cluster.Image, request));
            Assert.Equal((ErrorCode.None, block * 1000, 1000), (response.ErrorCode, response.ProducerIdStart, response.ProducerIdLen));
        }

        request.BrokerEpoch--;
        Assert.Equal(ErrorCode.StaleBrokerEpoch, cluster.Do(cluster.Controller.AllocateProducerIds(cluster.Image, request)).ErrorCode);
        cluster.Do(new Decision<int, IMetadataRecord>(0, new ProducerIdsRecord { NextProducerId = long.MaxValue - 5 }));
        request.BrokerEpoch++;
        Assert.Equal(ErrorCode.UnknownServerError, cluster.Do(cluster.Controller.AllocateProducerIds(cluster.Image, request)).ErrorCode);
    }

    private static int? Fence(Cluster cluster) => cluster.Do(cluster.Controller.FenceStaleBroker(cluster.Image, cluster.Context));

    [Theory]
    [InlineData(false, -1)]
    [InlineData(true, -1)]
    [InlineData(true, 0)] // that is the epoch of the broker's last life
    public void A_broker_in_the_controllers_process_begins_in_one_step_as_in_two(bool withEligibleLeaders, int previousEpoch)
    {
        var (inTwo, inOne) = (Prepare(), Prepare());
        var epoch = inTwo.Image.Brokers[1].Epoch;
        var registered = inTwo.Register(1, Change, incarnation: 2);
        Assert.Equal(ErrorCode.None, registered.ErrorCode);
        Assert.False(inTwo.Heartbeat(1).IsFenced);

        var request = inOne.Registration(1, incarnation: 2);
        Change(request);
        var begun = inOne.Do(inOne.Controller.RegisterOwnBroker(inOne.Image, request, inOne.Context));
        Assert.Equal(ErrorCode.None, begun.ErrorCode);
        Assert.Equal((begun.BrokerEpoch, true), (inOne.Image.Brokers[1].Epoch, inOne.Image.Brokers[1].IsActive));

        // One change for each partition that has any, and the same outcome but for how often the epochs grew.
        var changes = inOne.Records.OfType<PartitionChangeRecord>().ToArray();
        Assert.Equal(changes.Length, changes.Select(change => (change.TopicId, change.PartitionId)).Distinct().Count());
        foreach (var (topic, id) in (ReadOnlySpan<(string, int)>)[("one", 0), ("one", 1), ("two", 0), ("two", 1)])
        {
            var (one, two, before) = (inOne.Partition(topic, id), inTwo.Partition(topic, id), Prepare().Partition(topic, id));
            Assert.Equal(
                (two.Leader, string.Join(',', two.Isr), string.Join(',', two.EligibleLeaders), two.RecoveryState),
                (one.Leader, string.Join(',', one.Isr), string.Join(',', one.EligibleLeaders), one.RecoveryState));
            Assert.Equal(two.LeaderEpoch > before.LeaderEpoch, one.LeaderEpoch > before.LeaderEpoch);
            Assert.Equal(two.PartitionEpoch > before.PartitionEpoch, one.PartitionEpoch > before.PartitionEpoch);
        }

        Cluster Prepare()
        {
            var cluster = new Cluster(withEligibleLeaders: withEligibleLeaders).WithBrokers(1, 2);
            cluster.Create(Cluster.Assigned("one", (0, [1]), (1, [2])), Cluster.Assigned("two", (0, [1, 2]), (1, [2, 1])));
            cluster.Heartbeat(2, wantFence: true); // so that one-1 has no leader, and the others only broker 1 in sync
            cluster.NowMs += 60_000;
            return cluster;
        }

        void Change(BrokerRegistrationRequest change) => change.PreviousBrokerEpoch = previousEpoch < 0 ? -1 : epoch;
    }

    [Fact]
    public void The_first_broker_of_a_cluster_begins_in_one_step()
    {
        var cluster = new Cluster();
        var begun = cluster.Do(cluster.Controller.RegisterOwnBroker(cluster.Image, cluster.Registration(1), cluster.Context));
        Assert.Equal((ErrorCode.None, true), (begun.ErrorCode, cluster.Image.Brokers[1].IsActive));
        Assert.Equal(2, cluster.Records.Count);
        var refused = cluster.Do(cluster.Controller.RegisterOwnBroker(cluster.Image, cluster.Registration(1, incarnation: 2), cluster.Context));
        Assert.Equal(ErrorCode.DuplicateBrokerRegistration, refused.ErrorCode);
    }
}
