using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>
/// KIP-890: what a log asks of the records of a transaction that it does not know to be open, and of markers of transaction version 2.
/// </summary>
public class VerificationTests
{
    private static readonly TransactionTerms Version1 = new(MustBeKnown: true);
    private static readonly TransactionTerms Version2 = new(MustBeKnown: true, BumpsEpochs: true);

    [Fact]
    public void The_first_records_of_a_transaction_need_a_guard_and_those_that_follow_do_not()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        Assert.Equal(ErrorCode.InvalidTxnState, Append(log, 9, 0, 0, Version1).Error);
        Assert.Equal(0, log.LogEndOffset);
        Assert.Empty(log.DescribeProducers());

        var guard = log.BeginVerification(9, 0, 0);
        Assert.NotNull(guard);
        Assert.Same(guard, log.BeginVerification(9, 0, 1));
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 0, Version1 with { Guard = guard }).Error);
        Assert.Null(log.BeginVerification(9, 0, 1));
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 1, Version1).Error);
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 2, Version1 with { Guard = guard }).Error); // it waited with the first
        Assert.Equal(0, log.LastStableOffset);
    }

    [Fact]
    public void A_marker_between_question_and_append_makes_the_answer_worthless()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        var guard = log.BeginVerification(9, 0, 0);
        log.Append(Batches.Marker(commit: false, 9, 0, 1, T), origin: AppendOrigin.Coordinator);

        Assert.Equal(ErrorCode.InvalidTxnState, Append(log, 9, 0, 0, Version1 with { Guard = guard }).Error);
        Assert.NotSame(guard, log.BeginVerification(9, 0, 0));
        Assert.Equal(ErrorCode.InvalidTxnState, Append(log, 9, 0, 0, Version1 with { Guard = guard }).Error);
        Assert.Equal((1, 1), (log.LogEndOffset, log.LastStableOffset));
    }

    [Fact]
    public void A_transaction_of_another_epoch_is_another_transaction()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(9, 0, 0, (T, "a", "b")));
        Assert.NotNull(log.BeginVerification(9, 1, 0));
        Assert.Equal(ErrorCode.InvalidTxnState, Append(log, 9, 1, 0, Version1).Error);
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 1, Version1).Error);
    }

    [Fact]
    public void A_batch_that_is_in_the_log_is_acknowledged_again_whatever_became_of_its_transaction()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        Append(log, 9, 0, 0, Version1 with { Guard = log.BeginVerification(9, 0, 0) });
        log.Append(Batches.Marker(commit: true, 9, 0, 1, T), origin: AppendOrigin.Coordinator);
        Assert.True(Append(log, 9, 0, 0, Version1).IsDuplicate);
    }

    [Fact]
    public void A_guard_does_not_help_a_batch_out_of_sequence_or_of_an_old_epoch()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(9, 3, 0, (T, "a", "b")));
        log.Append(Batches.Marker(commit: true, 9, 3, 1, T), origin: AppendOrigin.Coordinator);
        var guard = log.BeginVerification(9, 3, 5);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, Append(log, 9, 3, 5, Version1 with { Guard = guard }).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Append(log, 9, 2, 1, Version1 with { Guard = guard }).Error);
        Assert.Equal(2, log.LogEndOffset);
        Assert.Equal(ErrorCode.None, Append(log, 9, 3, 1, Version1 with { Guard = guard }).Error);
    }

    [Fact]
    public void A_producer_that_the_log_does_not_know_begins_at_0_in_version_2()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, Append(log, 9, 0, 4, Version2 with { Guard = log.BeginVerification(9, 0, 4) }).Error);
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 0, Version2 with { Guard = log.BeginVerification(9, 0, 0) }).Error);
    }

    [Fact]
    public void A_producer_that_the_log_does_not_know_may_go_on_in_version_1_but_not_ahead_of_what_it_sent_before()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.BeginVerification(9, 0, 4);
        var guard = log.BeginVerification(9, 0, 5);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, Append(log, 9, 0, 5, Version1 with { Guard = guard }).Error);
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 4, Version1 with { Guard = guard }).Error);
        Assert.Equal(ErrorCode.None, Append(log, 9, 0, 5, Version1 with { Guard = guard }).Error);
    }

    [Fact]
    public void A_late_marker_of_version_2_ends_nothing_and_the_same_marker_may_come_twice()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(9, 1, 0, (T, "a", "b")));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Mark(log, epoch: 1, Version2).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Mark(log, epoch: 0, Version2).Error);
        Assert.Equal((1, 0), (log.LogEndOffset, log.LastStableOffset));

        Assert.Equal(ErrorCode.None, Mark(log, epoch: 2, Version2).Error);
        Assert.Equal(ErrorCode.None, Mark(log, epoch: 2, Version2).Error);
        Assert.Equal(3, log.LastStableOffset);
        Assert.Equal(new ProducerInfo(9, 2, -1, T, 1, -1), Assert.Single(log.DescribeProducers()));
    }

    [Fact]
    public void Questions_that_nobody_comes_back_to_are_forgotten_with_idle_producers()
    {
        using var logs = new LogFixture();
        var guard = logs.Log.BeginVerification(9, 0, 0);
        logs.Time.Advance(TimeSpan.FromHours(25));
        Assert.NotSame(guard, logs.Log.BeginVerification(9, 0, 0));
    }

    private static AppendResult Append(PartitionLog log, long producerId, short epoch, int sequence, TransactionTerms terms) =>
        Advance(log, log.AppendAsLeader(Batches.Transactional(producerId, epoch, sequence, (T, "a", "b")), 0, AppendOrigin.Client, terms));

    private static AppendResult Mark(PartitionLog log, short epoch, TransactionTerms terms) =>
        Advance(log, log.AppendAsLeader(Batches.Marker(commit: true, 9, epoch, 1, T), 0, AppendOrigin.Coordinator, terms with { MustBeKnown = false }));

    private static AppendResult Advance(PartitionLog log, AppendResult result)
    {
        log.AdvanceHighWatermark(log.LogEndOffset);
        return result;
    }
}
