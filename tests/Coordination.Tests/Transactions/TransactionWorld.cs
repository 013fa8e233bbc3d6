using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>
/// The transactional ids of one partition with everything around them taken away: decisions are applied and committed at once, time
/// is a number, and markers reach the partitions when the test says so. It keeps a second state that sees nothing but the written
/// records, through their bytes, and checks after every step what must hold.
/// </summary>
internal sealed class TransactionWorld
{
    public const int TimeoutMs = 60_000;
    private readonly List<TransactionRecord> written = [];
    private readonly Dictionary<string, HashSet<TopicPartition>> unmarked = [];

    /// <summary>The level of transaction.version.</summary>
    public short Version { get; set; } = 2;

    public long NowMs { get; private set; } = 1_700_000_000_000;

    public long NextProducerId { get; set; } = 1_000;

    public TransactionsState State { get; private set; } = TransactionsState.Empty;

    /// <summary>What another coordinator would know.</summary>
    public TransactionsState Durable { get; private set; } = TransactionsState.Empty;

    /// <summary>What the leaders of partitions know.</summary>
    public ModelPartitions Partitions { get; } = new();

    /// <summary>The transactions whose outcome is decided and not carried out.</summary>
    public IEnumerable<Transaction> Ending => State.Transactions.Values.Where(known => known.IsEnding);

    /// <summary>What has been written since this was asked last.</summary>
    public IReadOnlyList<TransactionRecord> TakeRecords()
    {
        var taken = written.ToList();
        written.Clear();
        return taken;
    }

    public ProducerIdentity Init(string id, long producerId = -1, short epoch = -1, int timeoutMs = TimeoutMs) =>
        Turn(fresh => ProducerInit.Decide(State, new InitCall(id, timeoutMs, producerId, epoch, Version), fresh, NowMs));

    public ErrorCode Add(string id, long producerId, short epoch, short clientVersion, params TopicPartition[] partitions) =>
        Turn(_ => PartitionAdditions.Add(State, new PartitionsCall(id, producerId, epoch, partitions, clientVersion), NowMs));

    public ErrorCode Verify(string id, long producerId, short epoch, TopicPartition partition) =>
        PartitionAdditions.Verify(State, new PartitionsCall(id, producerId, epoch, [partition]))[0];

    public ProducerIdentity End(string id, long producerId, short epoch, bool commit, short clientVersion) =>
        Turn(fresh => TransactionEnds.Decide(State, new EndCall(id, producerId, epoch, commit, clientVersion), fresh, NowMs));

    /// <summary>One marker is written, or if none is left, that the transaction is complete; false if nothing ends.</summary>
    public bool Mark(string id, TopicPartition? only = null)
    {
        if (State.Find(id) is not { IsEnding: true } ending)
            return false;
        var left = unmarked[id];
        if (left.Count > 0)
        {
            var partition = only ?? left.Order(Transaction.NoPartitions.KeyComparer).First();
            Partitions.Mark(partition, ending.ProducerId, ending.Epoch, ending.IsCommit, ending.ClientVersion);
            left.Remove(partition);
        }
        else
            Apply(TransactionEnds.Complete(State, ending, NowMs));
        return true;
    }

    /// <summary>Everything that was decided is carried out.</summary>
    public void MarkAll()
    {
        foreach (var ending in Ending.ToArray())
        {
            while (Mark(ending.Id))
            {
            }
        }
    }

    /// <summary>Lets time pass, and what is overdue be aborted.</summary>
    public IReadOnlyList<string> Advance(long ms)
    {
        NowMs += ms;
        List<string> aborted = [];
        foreach (var known in State.Transactions.Values)
        {
            if (Turn(_ => TransactionEnds.Abort(State, known.Id, Version, NowMs)))
                aborted.Add(known.Id);
        }
        return aborted;
    }

    public int Expire(long expirationMs) => Apply(TransactionExpiration.Decide(State, expirationMs, NowMs));

    /// <summary>Another coordinator takes over: it knows what was written, and begins to write markers from the start.</summary>
    public void Failover()
    {
        State = Durable;
        unmarked.Clear();
        foreach (var ending in Ending)
            unmarked[ending.Id] = [.. ending.Partitions];
    }

    /// <summary>Puts a record in by hand.</summary>
    public void Seed(Transaction transaction) => Apply(new Decision<int, TransactionRecord>(0, TransactionRecord.Of(transaction)), isSeed: true);

    private TResponse Turn<TResponse>(Func<long, Decision<Turned<TResponse>, TransactionRecord>> decide)
    {
        var decision = decide(-1);
        if (decision.Response.NeedsProducerId)
        {
            Assert.Empty(decision.Records);
            decision = decide(NextProducerId++);
            Assert.False(decision.Response.NeedsProducerId);
        }
        var turned = Apply(decision);
        Assert.Equal(turned.Prepared, decision.Records.Select(record => record.Transaction).SingleOrDefault(next => next is { IsEnding: true }));
        if (turned.Prepared is { } prepared)
            unmarked[prepared.Id] = [.. prepared.Partitions];
        return turned.Response;
    }

    private TResponse Apply<TResponse>(Decision<TResponse, TransactionRecord> decision, bool isSeed = false)
    {
        foreach (var record in decision.Records)
        {
            if (!isSeed)
                CheckStep(State.Find(record.TransactionalId), record.Transaction);
            State = State.Apply(record);
            written.Add(record);
            Durable = Durable.Apply(ThroughBytes(record));
            AssertSameDurablePart(State.Find(record.TransactionalId), Durable.Find(record.TransactionalId));
        }
        return decision.Response;
    }

    // A transaction has one outcome, and an epoch never goes back.
    private static void CheckStep(Transaction? before, Transaction? after)
    {
        if (after is null)
        {
            Assert.True(before is { Status: TransactionStatus.Empty } or { IsComplete: true }, "an id is forgotten with something open");
            return;
        }
        if (before is null)
        {
            Assert.Equal((TransactionStatus.Empty, (short)0), (after.Status, after.Epoch));
            return;
        }
        Assert.True(Transaction.MayFollow(after.Status, before.Status, bumpsEpoch: true), $"{after.Status} after {before.Status}");
        if (before.Status == TransactionStatus.PrepareCommit)
            Assert.Equal(TransactionStatus.CompleteCommit, after.Status);
        if (before.Status == TransactionStatus.PrepareAbort)
            Assert.Equal(TransactionStatus.CompleteAbort, after.Status);
        if (after.ProducerId == before.ProducerId)
            Assert.True(after.Epoch >= before.Epoch, "the epoch goes back");
        else
            Assert.Equal((before.ProducerId, (short)0), (after.PreviousProducerId, after.Epoch));
        if (after.Status is TransactionStatus.Ongoing)
            Assert.True(after.Partitions.IsSupersetOf(before.Partitions), "a partition leaves a transaction");
        if (after.IsEnding)
            Assert.True(after.Partitions.SetEquals(before.Partitions), "an outcome for other partitions");
    }

    private void AssertSameDurablePart(Transaction? live, Transaction? stored)
    {
        Assert.Equal(live is null, stored is null);
        if (live is null)
            return;
        // Before transaction.version 1 records do not know how their clients speak, and which ids they have had.
        var known = Version >= 1 ? live : live with { ClientVersion = 0, PreviousProducerId = -1, NextProducerId = -1 };
        Assert.Equal(Describe(known), Describe(stored!));
    }

    private static string Describe(Transaction known) =>
        $"{known with { LastEpoch = -1, Partitions = Transaction.NoPartitions }} {string.Join(',', known.Partitions)}";

    private TransactionRecord ThroughBytes(TransactionRecord record)
    {
        var version = Transaction.ValueVersion(Version);
        if (record.Transaction is null)
            return record;
        var value = (TransactionLogValue)TransactionRecords.ReadValue(0, TransactionRecords.WriteValue(record.Transaction.ToValue(version), version))!;
        return record with { Transaction = Transaction.Of(record.TransactionalId, value) };
    }
}
