using Milena.Protocol;
using Milena.Storage;

namespace Milena.Replication.Tests;

/// <summary>What must be on the disk before an append is acknowledged (<c>log.flush.before.ack</c>).</summary>
public sealed class AckPolicyTests
{
    [Theory]
    [InlineData(AckPolicy.Auto, -1, true)] // nothing else protects the only replica from a power cut
    [InlineData(AckPolicy.Auto, 1, false)]
    [InlineData(AckPolicy.Always, -1, true)]
    [InlineData(AckPolicy.Always, 1, true)]
    [InlineData(AckPolicy.Never, -1, false)]
    [InlineData(AckPolicy.Never, 1, false)]
    public async Task A_single_replica_is_synced_as_the_policy_says(AckPolicy policy, short acks, bool isSynced)
    {
        await using var node = new Node(policy);
        var partition = node.Lead();
        var appended = partition.Append(Node.Batch("a", "b"), AppendOrigin.Client, acks);
        var ack = partition.WaitForAck(appended, acks);
        if (!isSynced)
            Assert.True(ack.IsCompletedSuccessfully);
        Assert.Equal(ErrorCode.None, await ack);
        Assert.Equal(isSynced ? 2 : 0, partition.Log.RecoveryPoint);
    }

    [Fact]
    public async Task Replicas_that_are_not_in_sync_protect_nothing()
    {
        foreach (var (policy, recoveryPoint) in new[] { (AckPolicy.Auto, 1L), (AckPolicy.Never, 0L) })
        {
            await using var node = new Node(policy);
            node.Tell(Node.Topic("t"), Node.Partition("t", replicas: [Node.Id, Node.Other], isr: [Node.Id]));
            var partition = node.Find("t");
            var appended = partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: -1);
            Assert.Equal(ErrorCode.None, await partition.WaitForAck(appended, acks: -1));
            Assert.Equal(recoveryPoint, partition.Log.RecoveryPoint);
        }
    }

    [Fact]
    public async Task A_due_sync_is_waited_for_by_whoever_made_it_due()
    {
        await using var node = new Node(AckPolicy.Never);
        node.Tell(Node.Topic("t"), Node.Config("t", "flush.messages", "2"), Node.Partition("t"));
        var partition = node.Find("t");
        var first = partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: 1);
        Assert.False(first.MustFlush);
        var second = partition.Append(Node.Batch("b"), AppendOrigin.Client, acks: 1);
        Assert.True(second.MustFlush);
        Assert.Equal(ErrorCode.None, await partition.WaitForAck(second, acks: 1));
        Assert.Equal(2, partition.Log.RecoveryPoint);
    }

    [Fact]
    public async Task Appends_that_wait_at_the_same_time_are_all_acknowledged()
    {
        await using var node = new Node(AckPolicy.Auto);
        var partition = node.Lead();
        var acks = Enumerable.Range(0, 50).Select(
            i => partition.WaitForAck(partition.Append(Node.Batch($"{i}"), AppendOrigin.Client, -1), -1).AsTask());
        Assert.All(await Task.WhenAll(acks), error => Assert.Equal(ErrorCode.None, error));
        Assert.Equal(50, partition.Log.RecoveryPoint);
    }
}
