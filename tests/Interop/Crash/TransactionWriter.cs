using System.Globalization;
using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.Crash;

/// <summary>How a transaction ended, as far as its producer was told.</summary>
internal enum Outcome
{
    /// <summary>The producer was not told.</summary>
    Unknown,

    /// <summary>Each of its records must be seen.</summary>
    Committed,

    /// <summary>None of its records may be seen.</summary>
    Aborted,
}

/// <summary>
/// A transactional producer that writes small transactions over all partitions of a topic until it is stopped, and aborts some of
/// them. A record's value is <c>writer/transaction/record</c>.
/// </summary>
internal sealed class TransactionWriter : IDisposable
{
    public const int RecordsEach = 7;
    private const int AbortsOneOf = 4;

    private readonly string bootstrap;
    private readonly string topic;
    private readonly string id;
    private readonly Random random;
    private readonly CancellationTokenSource stop = new();
    private readonly List<Outcome> outcomes = [];
    private readonly Task loop;
    private IProducer<string, string>? producer;

    public TransactionWriter(string bootstrap, string topic, string id, int seed)
    {
        (this.bootstrap, this.topic, this.id, random) = (bootstrap, topic, id, new Random(seed));
        loop = Task.Factory.StartNew(Write, TaskCreationOptions.LongRunning);
    }

    /// <summary>What it is doing, for whoever waits for it in vain.</summary>
    public string Doing { get; private set; } = "starting";

    /// <summary>Its transactional id, and the first part of its records' values.</summary>
    public string Id => id;

    /// <summary>Ends after the transaction that is under way, and tells how each ended.</summary>
    public async Task<IReadOnlyList<Outcome>> Stop()
    {
        stop.Cancel();
        await loop.WaitAsync(Deadline.Default).OrTell(() => $"{id} is {Doing}");
        return outcomes;
    }

    public void Dispose()
    {
        stop.Cancel();
        Persistent.Ends(loop); // the client is in use until then
        producer?.Dispose();
    }

    private void Write()
    {
        while (!stop.IsCancellationRequested)
        {
            producer ??= Open();
            outcomes.Add(Outcome.Unknown);
            try
            {
                outcomes[^1] = WriteOne(producer, outcomes.Count - 1);
            }
            catch (KafkaTxnRequiresAbortException e)
            {
                Doing = $"aborting because of {e.Error.Reason}";
                if (Aborts(producer))
                    outcomes[^1] = Outcome.Aborted;
            }
            catch (KafkaException e) when (e.Error.IsFatal)
            {
                StartAnew();
            }
        }
    }

    private Outcome WriteOne(IProducer<string, string> writer, int number)
    {
        Doing = $"writing transaction {number}";
        writer.BeginTransaction();
        for (var i = 0; i < RecordsEach; i++)
            writer.Produce(topic, new() { Key = i.ToString(CultureInfo.InvariantCulture), Value = $"{id}/{number}/{i}" });
        if (random.Next(AbortsOneOf) == 0)
        {
            Doing = $"aborting transaction {number}";
            Persistent.Call(() => writer.AbortTransaction(Deadline.Default));
            return Outcome.Aborted;
        }

        Doing = $"committing transaction {number}";
        Persistent.Call(() => writer.CommitTransaction(Deadline.Default));
        return Outcome.Committed;
    }

    private bool Aborts(IProducer<string, string> writer)
    {
        try
        {
            Persistent.Call(() => writer.AbortTransaction(Deadline.Default));
            return true;
        }
        catch (KafkaException e) when (e.Error.IsFatal)
        {
            StartAnew();
            return false;
        }
    }

    // The next one with the same id takes over: what this one has left open is decided before it begins.
    private void StartAnew()
    {
        producer?.Dispose();
        producer = null;
    }

    private IProducer<string, string> Open()
    {
        var opened = new ProducerBuilder<string, string>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            TransactionalId = id,
            TransactionTimeoutMs = 60_000,
            LingerMs = 1,
            ReconnectBackoffMs = 10,
            ReconnectBackoffMaxMs = 100,
            RetryBackoffMs = 10,
        }).SetLogHandler(Persistent.Ignore).Build();
        Doing = "initializing";
        Persistent.Call(() => opened.InitTransactions(Deadline.Default));
        return opened;
    }
}
