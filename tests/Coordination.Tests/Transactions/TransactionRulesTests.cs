using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>Rules that no story tells.</summary>
public sealed class TransactionRulesTests : TransactionFixture
{
    /// <summary>Which state may follow which: what is, and what may come, with a plus where it takes the epoch bump.</summary>
    [Theory]
    [InlineData("Empty", "Empty Ongoing Dead +PrepareAbort")]
    [InlineData("Ongoing", "Ongoing PrepareCommit PrepareAbort PrepareEpochFence")]
    [InlineData("PrepareCommit", "CompleteCommit")]
    [InlineData("PrepareAbort", "CompleteAbort")]
    [InlineData("CompleteCommit", "Empty Ongoing Dead +PrepareAbort")]
    [InlineData("CompleteAbort", "Empty Ongoing Dead +PrepareAbort")]
    [InlineData("Dead", "")]
    [InlineData("PrepareEpochFence", "PrepareAbort")]
    public void States_follow_each_other_as_in_the_table(string present, string next)
    {
        var known = next.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var status in Enum.GetValues<TransactionStatus>())
        {
            Assert.Equal(known.Contains($"{status}"), Transaction.MayFollow(status, Enum.Parse<TransactionStatus>(present), bumpsEpoch: false));
            Assert.Equal(
                known.Contains($"{status}") || known.Contains($"+{status}"),
                Transaction.MayFollow(status, Enum.Parse<TransactionStatus>(present), bumpsEpoch: true));
        }
    }

    [Fact]
    public void A_claim_that_is_made_of_two_halves_is_fenced()
    {
        var world = new TransactionWorld();
        var given = world.Init("x");
        world.Seed(world.State.Find("x")! with { Epoch = short.MaxValue - 1 });
        var rotated = world.Init("x", given.ProducerId, short.MaxValue - 1);
        Assert.Equal((ErrorCode.None, (short)0), (rotated.Error, rotated.Epoch));

        // The answer was lost: this is what it was. The id of now with the epoch of before was nobody's.
        Assert.Equal(rotated, world.Init("x", given.ProducerId, short.MaxValue - 1));
        Assert.Equal(ErrorCode.ProducerFenced, world.Init("x", rotated.ProducerId, short.MaxValue - 1).Error);
        Assert.Equal(ErrorCode.ProducerFenced, world.Init("x", given.ProducerId, 0).Error);
    }

    [Fact]
    public async Task An_outcome_that_was_carried_out_is_not_carried_out_again()
    {
        var prepared = new Transaction(Id, 1_000)
        {
            Epoch = 1, Status = TransactionStatus.PrepareCommit, Partitions = Transaction.NoPartitions.Add(new TopicPartition("t", 0)), StartMs = 0,
        };
        var isCurrent = true;
        using var sending = new MarkerSending(
            5,
            Markers,
            (IGroupTopics)Known,
            _ => isCurrent,
            _ =>
            {
                isCurrent = false;
                return new(ErrorCode.None);
            },
            new TransactionConfig(),
            Time,
            NullLogger.Instance);

        // As when the loading finds what a request has just decided.
        sending.Begin(prepared);
        sending.Begin(prepared);
        await sending.Ended(Id);

        Assert.Single(Markers.Asked);
    }
}
