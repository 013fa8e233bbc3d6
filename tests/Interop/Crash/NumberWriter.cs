using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.Crash;

/// <summary>
/// An idempotent producer that writes the numbers from 0 on until it is stopped, some hundreds under way at a time, whatever happens
/// to the broker meanwhile.
/// </summary>
internal sealed class NumberWriter : IDisposable
{
    private readonly IProducer<Null, byte[]> producer;
    private readonly Lock gate = new();
    private readonly Dictionary<long, TopicPartitionOffset> acknowledged = [];
    private readonly SemaphoreSlim underWay = new(500);
    private readonly int? perSecondMax;
    private readonly CancellationTokenSource stop = new();
    private readonly Task loop;
    private (int Count, TaskCompletionSource Reached) awaited = (int.MaxValue, new());
    private Error? failure;

    /// <param name="bootstrap">Where the broker is.</param>
    /// <param name="topic">Where to write.</param>
    /// <param name="perSecondMax">How many a second at most, where others must keep up; else as many as are acknowledged.</param>
    public NumberWriter(string bootstrap, string topic, int? perSecondMax = null)
    {
        this.perSecondMax = perSecondMax;
        producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 1,
            BatchNumMessages = 50,
            ReconnectBackoffMs = 10,
            ReconnectBackoffMaxMs = 100,
            RetryBackoffMs = 10,
        }).SetLogHandler(Persistent.Ignore).Build();
        loop = Task.Run(() => Write(topic));
    }

    /// <summary>Waits for so many more acknowledgements.</summary>
    public async Task Acknowledges(int more)
    {
        TaskCompletionSource reached;
        lock (gate)
        {
            reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            awaited = (acknowledged.Count + more, reached);
        }
        await reached.Task.WaitAsync(Deadline.Default);
    }

    /// <summary>Ends, and tells where each acknowledged number lies.</summary>
    public async Task<IReadOnlyDictionary<long, TopicPartitionOffset>> Stop()
    {
        stop.Cancel();
        await loop;
        producer.Flush(Deadline.Default);
        lock (gate)
        {
            Assert.Null(failure);
            return acknowledged;
        }
    }

    public void Dispose()
    {
        stop.Cancel();
        producer.Dispose();
    }

    private async Task Write(string topic)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var number = 0L; !stop.IsCancellationRequested; number++)
        {
            if (perSecondMax is { } rate && number % Math.Max(1, rate / 100) == 0)
                await tick.WaitForNextTickAsync();
            await underWay.WaitAsync(Deadline.Default);
            var value = number;
            producer.Produce(
                topic,
                new Message<Null, byte[]> { Value = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture)) },
                report => OnReport(value, report));
        }
    }

    private void OnReport(long number, DeliveryReport<Null, byte[]> report)
    {
        underWay.Release();
        lock (gate)
        {
            if (report.Error.IsError)
                failure = report.Error;
            else
                acknowledged.Add(number, report.TopicPartitionOffset);
            if (acknowledged.Count >= awaited.Count)
                awaited.Reached.TrySetResult();
        }
    }
}
