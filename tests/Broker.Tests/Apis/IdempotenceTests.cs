using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>InitProducerId, and what a partition makes of a producer's sequence numbers.</summary>
public sealed class IdempotenceTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task Every_producer_gets_an_id_of_its_own_from_block_to_block()
    {
        var ids = new HashSet<long>();
        for (var version = 0; version <= 5; version++)
        {
            var response = await client.Send(new InitProducerIdRequest { TransactionalId = null, TransactionTimeoutMs = 1 }, version);
            Assert.Equal((ErrorCode.None, (short)0), (response.ErrorCode, response.ProducerEpoch));
            Assert.True(ids.Add(response.ProducerId));
        }

        var many = await Task.WhenAll(
            Enumerable.Range(0, 1500).Select(_ => client.Send(new InitProducerIdRequest { TransactionalId = null })));
        Assert.All(many, response => Assert.True(ids.Add(response.ProducerId)));
    }

    [Fact]
    public async Task A_producer_that_names_itself_whole_gets_a_new_id_and_by_half_none()
    {
        var mine = await NewId();
        var again = await client.Send(new InitProducerIdRequest { TransactionalId = null, ProducerId = mine, ProducerEpoch = 0 });
        Assert.Equal(ErrorCode.None, again.ErrorCode);
        Assert.NotEqual(mine, again.ProducerId);
        var half = await client.Send(new InitProducerIdRequest { TransactionalId = null, ProducerId = mine });
        Assert.Equal((ErrorCode.InvalidRequest, -1L, (short)-1), (half.ErrorCode, half.ProducerId, half.ProducerEpoch));
        half = await client.Send(new InitProducerIdRequest { TransactionalId = null, ProducerEpoch = 3 });
        Assert.Equal(ErrorCode.InvalidRequest, half.ErrorCode);
    }

    [Fact]
    public async Task Share_groups_are_refused_so_that_their_members_do_not_wait_for_ever()
    {
        var coordinator = await client.Send(new FindCoordinatorRequest { KeyType = 2, CoordinatorKeys = ["t"] });
        Assert.Equal(ErrorCode.InvalidRequest, coordinator.Coordinators[0].ErrorCode);
        Assert.Contains("not served", coordinator.Coordinators[0].ErrorMessage);
    }

    [Fact]
    public async Task A_batch_sent_again_is_acknowledged_with_its_offset_and_not_written_again()
    {
        var topic = await shared.NewTopic(client);
        var id = await NewId();
        for (var i = 0; i < 6; i++)
            await client.Produce(topic, 0, Batches.Idempotent(id, 0, 2 * i, $"{i}a", $"{i}b"));
        for (var i = 5; i >= 1; i--)
        {
            var again = await client.Produce(topic, 0, Batches.Idempotent(id, 0, 2 * i, $"{i}a", $"{i}b"));
            Assert.Equal((ErrorCode.None, 2L * i), (again.ErrorCode, again.BaseOffset));
        }

        // Of a producer five batches are remembered.
        Assert.Equal(
            ErrorCode.OutOfOrderSequenceNumber, (await client.Produce(topic, 0, Batches.Idempotent(id, 0, 0, "0a", "0b"))).ErrorCode);
        Assert.Equal(12, Batches.Values((await client.Fetch(topic, 0, 0)).Records).Length);
    }

    [Fact]
    public async Task A_gap_in_the_sequence_and_an_old_epoch_are_refused()
    {
        var topic = await shared.NewTopic(client);
        var id = await NewId();
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Idempotent(id, 3, 0, "a"))).ErrorCode);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, (await client.Produce(topic, 0, Batches.Idempotent(id, 3, 2, "c"))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, (await client.Produce(topic, 0, Batches.Idempotent(id, 2, 1, "b"))).ErrorCode);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, (await client.Produce(topic, 0, Batches.Idempotent(id, 4, 1, "b"))).ErrorCode);
        var next = await client.Produce(topic, 0, Batches.Idempotent(id, 4, 0, "b"));
        Assert.Equal((ErrorCode.None, 1L), (next.ErrorCode, next.BaseOffset));
    }

    [Fact]
    public async Task Sequences_are_counted_in_each_partition_for_itself()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var id = await NewId();
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Idempotent(id, 0, 0, "a", "b"))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 1, Batches.Idempotent(id, 0, 0, "c"))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Idempotent(id, 0, 2, "d"))).ErrorCode);
    }

    private async Task<long> NewId() => (await client.Send(new InitProducerIdRequest { TransactionalId = null })).ProducerId;
}
