using Milena.Broker.Dispatch;
using Milena.Broker.Metrics;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Replication;

namespace Milena.Broker.Fetching;

/// <summary>Reads what a fetch asks for, within its limits, and waits for more where it asks for more than there is.</summary>
internal sealed class FetchReader(PartitionDirectory partitions, int maxBytes, TimeProvider time, TopicMetrics metrics)
{
    private const short TopicIdsFrom = 13;
    private const short StorageErrorFrom = 6;
    private const short ZstdFrom = 10;
    private const short LeaderHintsFrom = 16;
    private const short LegacyUpTo = 3;
    private const sbyte ReadCommitted = 1;

    /// <summary>
    /// Brings the request's limits within the broker's (<c>fetch.max.bytes</c>) and the client's quota: nobody waits for more than he
    /// can get.
    /// </summary>
    public void Bound(FetchRequest request, int quotaBytes)
    {
        request.MaxBytes = Math.Clamp(request.MaxBytes, 0, Math.Min(maxBytes, quotaBytes));
        request.MinBytes = Math.Min(request.MinBytes, request.MaxBytes);
    }

    /// <summary>One pass over all partitions.</summary>
    public void ReadAll(Fetch fetch, FetchRequest request, short version)
    {
        var remaining = request.MaxBytes;
        var isFirst = true;
        for (var i = 0; i < fetch.Asked.Length; i++)
        {
            var asked = fetch.Asked[i];
            var read = Read(asked, request, Math.Min(Math.Max(asked.MaxBytes, 0), remaining), isFirst, version);
            fetch.Found(i, read);
            if (read.Bytes == 0)
                continue;
            isFirst = false;
            remaining = Math.Max(0, remaining - read.Bytes);
        }

        metrics.CountForAll(TopicEvent.TotalFetchRequests, fetch.Asked.Length);
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

    /// <summary>The response. Where a partition has another leader, it says who that is and where.</summary>
    public FetchResponse Answer(Fetch fetch, RequestContext context)
    {
        CountBytes(fetch, context.Version);
        var response = fetch.Answer(context.Version);
        if (context.Version >= LeaderHintsFrom && fetch.HasError)
            TellLeaders(response, context);
        return response;
    }

    private PartitionRead Read(FetchPartitionState asked, FetchRequest request, int bytes, bool isFirst, short version)
    {
        var error = Find(asked.Key, version, out var partition);
        if (error == ErrorCode.None && version < ZstdFrom && partition!.Log.Config.Compression == CompressionCodec.Zstd)
            error = ErrorCode.UnsupportedCompressionType; // the client cannot read what the topic is sure to hold (KIP-110)
        var read = error != ErrorCode.None
            ? new PartitionRead(error)
            : partition!.Read(new(
                asked.FetchOffset,
                bytes,
                MinOneBatch: isFirst,
                IsCommitted: request.IsolationLevel == ReadCommitted,
                asked.CurrentLeaderEpoch,
                asked.LastFetchedEpoch));
        if (partition is not null)
            metrics.CountForTopic(TopicEvent.TotalFetchRequests, partition);
        if (read.Error is ErrorCode.UnknownServerError or ErrorCode.CorruptMessage)
            metrics.Count(TopicEvent.FailedFetchRequests, partition); // all others are ordinary answers
        return read.Error == ErrorCode.KafkaStorageError && version < StorageErrorFrom
            ? read with { Error = ErrorCode.NotLeaderOrFollower }
            : read;
    }

    private void CountBytes(Fetch fetch, short version)
    {
        for (var i = 0; i < fetch.Asked.Length && fetch.Bytes > 0; i++)
        {
            var read = fetch.Read(i).Bytes;
            if (read == 0)
                continue;
            Find(fetch.Asked[i].Key, version, out var partition);
            metrics.Count(TopicEvent.BytesOut, partition, read);
            if (version <= LegacyUpTo)
                metrics.Count(TopicEvent.FetchMessageConversions, partition);
        }
    }

    private async ValueTask<FetchWake> Wait(Fetch fetch, FetchRequest request, TimeSpan left, RequestContext context)
    {
        var waited = new Partition[fetch.Asked.Length];
        var seen = new long[waited.Length];
        for (var i = 0; i < waited.Length; i++)
        {
            if (Find(fetch.Asked[i].Key, context.Version, out var partition) != ErrorCode.None)
                return FetchWake.Ready; // it was there when it was read
            waited[i] = partition!;
            seen[i] = fetch.Read(i).HighWatermark;
        }

        using var waiter = new FetchWaiter(
            waited, request.MinBytes - fetch.Bytes, left, time, context.Aborted, request.IsolationLevel == ReadCommitted, seen);
        for (var i = 0; i < waited.Length; i++)
            waiter.CompleteIfMoved(waited[i], seen[i], fetch.Asked[i].CurrentLeaderEpoch);
        return await waiter.Wait();
    }

    private void TellLeaders(FetchResponse response, RequestContext context)
    {
        var endpoints = new Dictionary<int, FetchResponse.NodeEndpoint>();
        foreach (var topic in response.Responses)
        {
            foreach (var data in topic.Partitions)
            {
                if (data.ErrorCode is not (ErrorCode.NotLeaderOrFollower or ErrorCode.FencedLeaderEpoch))
                    continue;
                Find(new FetchKey(topic.TopicId, topic.Topic, data.PartitionIndex), context.Version, out var partition);
                if (partitions.LeaderOf(partition, topic.TopicId, topic.Topic, data.PartitionIndex) is not { } leader)
                    continue;
                data.CurrentLeader = new() { LeaderId = leader.LeaderId, LeaderEpoch = leader.LeaderEpoch };
                if (partitions.BrokerOn(context.ListenerName, leader.LeaderId) is var (broker, endpoint))
                    endpoints[broker.Id] = new() { NodeId = broker.Id, Host = endpoint.Host, Port = endpoint.Port, Rack = broker.Rack };
            }
        }

        response.NodeEndpoints = [.. endpoints.Values];
    }

    private ErrorCode Find(FetchKey key, short version, out Partition? partition) => version >= TopicIdsFrom
        ? partitions.Find(key.TopicId, key.Partition, out partition)
        : partitions.Find(key.Topic, key.Partition, out partition);
}
