using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;

namespace Milena.Broker.Fetching;

/// <summary>Reads what a fetch asks for, within its limits, and waits for more where it asks for more than there is.</summary>
internal sealed class FetchReader(PartitionDirectory partitions, int maxBytes, TimeProvider time)
{
    private const short TopicIdsFrom = 13;
    private const short StorageErrorFrom = 6;
    private const sbyte ReadCommitted = 1;

    /// <summary>One pass over all partitions.</summary>
    public void ReadAll(Fetch fetch, FetchRequest request, short version)
    {
        var remaining = (int)Math.Min(Math.Max(request.MaxBytes, 0), maxBytes);
        var isFirst = true;
        for (var i = 0; i < fetch.Asked.Length; i++)
        {
            var asked = fetch.Asked[i];
            var read = Find(asked.Key, version, out var partition) is var error and not ErrorCode.None
                ? new PartitionRead(error, Leadership: partition?.Leadership)
                : partition!.Read(new(
                    asked.FetchOffset,
                    Math.Min(Math.Max(asked.MaxBytes, 0), remaining),
                    MinOneBatch: isFirst,
                    IsCommitted: request.IsolationLevel == ReadCommitted,
                    asked.CurrentLeaderEpoch,
                    asked.LastFetchedEpoch));
            if (read.Error == ErrorCode.KafkaStorageError && version < StorageErrorFrom)
                read = read with { Error = ErrorCode.NotLeaderOrFollower };
            fetch.Found(i, read);
            if (read.Bytes == 0)
                continue;
            isFirst = false;
            remaining = Math.Max(0, remaining - read.Bytes);
        }
    }

    /// <summary>Waits until the fetch is satisfied or its time is up, then leaves in it what there is.</summary>
    public async ValueTask WaitAndRead(Fetch fetch, FetchRequest request, RequestContext context)
    {
        var deadline = time.GetTimestamp() + (long)(request.MaxWaitMs / 1000.0 * time.TimestampFrequency);
        while (true)
        {
            var left = TimeSpan.FromSeconds((double)(deadline - time.GetTimestamp()) / time.TimestampFrequency);
            if (left <= TimeSpan.Zero)
                return;
            var wake = await Wait(fetch, request, left, context);
            ReadAll(fetch, request, context.Version);
            if (wake != FetchWake.Ready || fetch.IsSatisfied(request))
                return;
        }
    }

    private async ValueTask<FetchWake> Wait(Fetch fetch, FetchRequest request, TimeSpan left, RequestContext context)
    {
        var waited = new List<Partition>(fetch.Asked.Length);
        var seen = new List<long>(fetch.Asked.Length);
        for (var i = 0; i < fetch.Asked.Length; i++)
        {
            if (Find(fetch.Asked[i].Key, context.Version, out var partition) != ErrorCode.None)
                continue;
            waited.Add(partition!);
            seen.Add(fetch.Read(i).HighWatermark);
        }

        using var waiter = new FetchWaiter(waited, request.MinBytes - fetch.Bytes, left, time, context.Aborted);
        for (var i = 0; i < waited.Count; i++)
            waiter.CompleteIfMoved(waited[i], seen[i]);
        return await waiter.Wait();
    }

    private ErrorCode Find(FetchKey key, short version, out Partition? partition) => version >= TopicIdsFrom
        ? partitions.Find(key.TopicId, key.Partition, out partition)
        : partitions.Find(key.Topic, key.Partition, out partition);
}
