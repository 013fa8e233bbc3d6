using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>
/// Carries decided outcomes to the partitions, for the time of one leadership of a coordinator's partition: each gets its marker,
/// tried again until it is there, and then the transaction is complete. What is not done when the leadership ends is done by the
/// next leader, who finds it in the log; a marker that comes twice does no harm.
/// </summary>
internal sealed class MarkerSending : IDisposable
{
    private readonly int coordinatorEpoch;
    private readonly IMarkerChannel channel;
    private readonly IGroupTopics topics;
    private readonly Func<Transaction, bool> isCurrent;
    private readonly Func<Transaction, ValueTask<ErrorCode>> complete;
    private readonly TimeSpan retryDelay;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource over = new();

    // Guards the table; held for a line or two and never across a call out.
    private readonly Lock gate = new();
    private readonly Dictionary<string, Task> underWay = new(StringComparer.Ordinal);

    /// <param name="coordinatorEpoch">The leader epoch in which the outcomes are carried.</param>
    /// <param name="channel">The way to the partitions.</param>
    /// <param name="topics">To see which partitions are gone.</param>
    /// <param name="isCurrent">Whether a transaction still has this outcome before it.</param>
    /// <param name="complete">Writes that a transaction is complete.</param>
    /// <param name="config">How long to wait before trying again.</param>
    /// <param name="time">The clock of that.</param>
    /// <param name="logger">For what does not go through.</param>
    public MarkerSending(
        int coordinatorEpoch,
        IMarkerChannel channel,
        IGroupTopics topics,
        Func<Transaction, bool> isCurrent,
        Func<Transaction, ValueTask<ErrorCode>> complete,
        TransactionConfig config,
        TimeProvider time,
        ILogger logger)
    {
        this.coordinatorEpoch = coordinatorEpoch;
        this.channel = channel;
        this.topics = topics;
        this.isCurrent = isCurrent;
        this.complete = complete;
        retryDelay = TimeSpan.FromMilliseconds(config.MarkerRetryMs);
        this.time = time;
        this.logger = logger;
    }

    /// <summary>
    /// Begins to carry an outcome that is committed to the log. One after the other for each id: a marker that came after its
    /// transaction would end the next.
    /// </summary>
    public void Begin(Transaction prepared)
    {
        Invariant.Holds(prepared.IsEnding);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task before;
        lock (gate)
        {
            before = underWay.GetValueOrDefault(prepared.Id, Task.CompletedTask);
            underWay[prepared.Id] = done.Task;
        }
        _ = Carry(prepared, before, done);
    }

    /// <summary>Completes when the transaction that ends under this id is complete, or will not be here; at once if none ends.</summary>
    public Task Ended(string transactionalId)
    {
        lock (gate)
            return underWay.GetValueOrDefault(transactionalId, Task.CompletedTask);
    }

    public void Dispose() => over.Cancel();

    private async Task Carry(Transaction prepared, Task before, TaskCompletionSource done)
    {
        await before.ConfigureAwait(false);
        try
        {
            if (isCurrent(prepared) && await WriteAll(prepared).ConfigureAwait(false))
                await Complete(prepared).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The next leader goes on.
        }
        finally
        {
            lock (gate)
            {
                if (underWay.GetValueOrDefault(prepared.Id) == done.Task)
                    underWay.Remove(prepared.Id);
            }
            done.SetResult();
        }
    }

    // False if somebody else has taken over.
    private async Task<bool> WriteAll(Transaction prepared)
    {
        IReadOnlyCollection<TopicPartition> left = prepared.Partitions;
        for (var attempt = 1; left.Count > 0; attempt++)
        {
            if (attempt > 1)
                await Wait().ConfigureAwait(false);
            var writes = left.Where(IsThere).Select(partition => Write(prepared, partition, attempt)).ToArray();
            var results = await Task.WhenAll(writes).ConfigureAwait(false);
            if (results.FirstOrDefault(result => IsFenced(result.Error)) is { Error: not ErrorCode.None } fenced)
            {
                Log.MarkersFenced(logger, prepared.Id, fenced.Partition, fenced.Error);
                return false;
            }
            left = [.. results.Where(result => result.Error != ErrorCode.None).Select(result => result.Partition)];
        }
        return true;
    }

    private async Task<(TopicPartition Partition, ErrorCode Error)> Write(Transaction prepared, TopicPartition partition, int attempt)
    {
        try
        {
            var error = await channel.WriteAsync(
                partition, prepared.ProducerId, prepared.Epoch, coordinatorEpoch, prepared.IsCommit, prepared.ClientVersion).ConfigureAwait(false);
            if (error != ErrorCode.None && attempt == 1)
                Log.MarkerWaits(logger, prepared.Id, partition, error);
            return (partition, error);
        }
        catch (Exception fault) // the edge of a loop: the outcome is decided, and nobody else would carry it
        {
            Log.MarkerFailed(logger, prepared.Id, partition, fault);
            return (partition, ErrorCode.UnknownServerError);
        }
    }

    private async Task Complete(Transaction prepared)
    {
        while (true)
        {
            try
            {
                // NOT_COORDINATOR: the next leader writes the markers again, and then this.
                if (await complete(prepared).ConfigureAwait(false) is ErrorCode.None or ErrorCode.NotCoordinator)
                    return;
            }
            catch (Exception fault) // as above
            {
                Log.NotCompleted(logger, prepared.Id, fault);
            }
            await Wait().ConfigureAwait(false);
        }
    }

    private Task Wait() => Task.Delay(retryDelay, time, over.Token);

    private bool IsThere(TopicPartition partition) => topics.PartitionCount(partition.Topic) > partition.Partition;

    // Another coordinator leads, or the partition has seen a later epoch of the producer.
    private static bool IsFenced(ErrorCode error) => error is ErrorCode.InvalidProducerEpoch or ErrorCode.TransactionCoordinatorFenced;
}
