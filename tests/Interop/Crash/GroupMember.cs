using Confluent.Kafka;

namespace Milena.Interop.Crash;

/// <summary>What the members of one group have read and committed, and whether each of them went on from where it should.</summary>
internal sealed class GroupDiary
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, long> committed = [];
    private readonly Dictionary<int, long> reached = [];
    private readonly List<string> faults = [];
    private readonly List<string> troubles = [];

    /// <summary>Each partition is read up to here (exclusive); there is no gap below it unless <see cref="Faults"/> says so.</summary>
    public IReadOnlyDictionary<int, long> Reached
    {
        get
        {
            lock (gate)
                return new Dictionary<int, long>(reached);
        }
    }

    /// <summary>The highest offset whose commit was acknowledged, by partition.</summary>
    public IReadOnlyDictionary<int, long> Committed
    {
        get
        {
            lock (gate)
                return new Dictionary<int, long>(committed);
        }
    }

    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (gate)
                return [.. faults];
        }
    }

    public int Commits { get; private set; }

    /// <inheritdoc/>
    public override string ToString()
    {
        lock (gate)
            return $"read {Show(reached)}, committed {Show(committed)}, {string.Join(", ", faults)} {string.Join(", ", troubles.TakeLast(5))}";

        static string Show(Dictionary<int, long> offsets) => string.Join(' ', offsets.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}:{pair.Value}"));
    }

    /// <summary>A commit was not acknowledged: no fault, but of interest if there is one.</summary>
    public void NotCommitted(string member, Error error)
    {
        lock (gate)
            troubles.Add($"{member}: {error.Reason}");
    }

    /// <summary>The highest offset of a partition whose commit has been acknowledged so far.</summary>
    public long CommittedOf(int partition)
    {
        lock (gate)
            return committed.GetValueOrDefault(partition);
    }

    /// <summary>A member has got a partition, when this much was committed, and its first record is this one.</summary>
    public void Began(string member, int partition, long offset, long committedWhenAssigned)
    {
        lock (gate)
        {
            if (offset < committedWhenAssigned)
                faults.Add($"{member} began partition {partition} at {offset}, though {committedWhenAssigned} was committed");
            if (offset > reached.GetValueOrDefault(partition))
                faults.Add($"{member} began partition {partition} at {offset}, though nobody had read beyond {reached.GetValueOrDefault(partition)}");
        }
    }

    public void Read(int partition, long offset)
    {
        lock (gate)
            reached[partition] = Math.Max(reached.GetValueOrDefault(partition), offset + 1);
    }

    public void WasCommitted(IEnumerable<TopicPartitionOffset> offsets)
    {
        lock (gate)
        {
            Commits++;
            foreach (var offset in offsets)
                committed[offset.Partition] = Math.Max(committed.GetValueOrDefault(offset.Partition), offset.Offset);
        }
    }
}

/// <summary>A member of a group that commits by itself, now and then, what it has read.</summary>
internal sealed class GroupMember : IDisposable
{
    private const int CommitsEvery = 100;

    private readonly string name;
    private readonly GroupDiary diary;
    private readonly IConsumer<Ignore, byte[]> consumer;
    private readonly CancellationTokenSource stop = new();
    private readonly Task loop;
    private readonly Dictionary<int, long> unbegun = []; // assigned partitions without a record yet, and what was committed then
    private readonly Dictionary<TopicPartition, Offset> uncommitted = [];

    public GroupMember(string bootstrap, string topic, string group, GroupProtocol protocol, string name, GroupDiary diary)
    {
        (this.name, this.diary) = (name, diary);
        consumer = new ConsumerBuilder<Ignore, byte[]>(Config(bootstrap, group, protocol))
            .SetPartitionsAssignedHandler((_, partitions) => Assigned(partitions))
            .SetPartitionsRevokedHandler((_, partitions) => Revoked(partitions))
            .SetLogHandler(Persistent.Ignore)
            .SetPartitionsLostHandler((_, partitions) => Gone(partitions.Select(partition => partition.TopicPartition)))
            .Build();
        consumer.Subscribe(topic);
        loop = Task.Factory.StartNew(Run, TaskCreationOptions.LongRunning);
    }

    /// <summary>What members of all kinds have in common.</summary>
    public static ConsumerConfig Config(string bootstrap, string group, GroupProtocol protocol)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = group,
            GroupProtocol = protocol,
            EnableAutoCommit = false,
            IsolationLevel = IsolationLevel.ReadCommitted,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            ReconnectBackoffMs = 10,
            ReconnectBackoffMaxMs = 100,
        };
        if (protocol == GroupProtocol.Classic)
        {
            config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
            config.SessionTimeoutMs = 20_000;
            config.HeartbeatIntervalMs = 500;
        }

        return config;
    }

    /// <summary>The next record; null if there is none, or the broker is away.</summary>
    public static ConsumeResult<Ignore, byte[]>? Poll(IConsumer<Ignore, byte[]> consumer, TimeSpan within)
    {
        try
        {
            return consumer.Consume(within);
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            return null;
        }
    }

    /// <summary>Ends, and throws what made it fail.</summary>
    public async Task Stop()
    {
        stop.Cancel();
        await loop;
        consumer.Close();
    }

    public void Dispose()
    {
        stop.Cancel();
        Persistent.Ends(loop); // the client is in use until then
        consumer.Dispose();
    }

    private void Run()
    {
        for (var read = 0; !stop.IsCancellationRequested;)
        {
            if (Poll(consumer, TimeSpan.FromMilliseconds(100)) is { } found)
            {
                if (unbegun.Remove(found.Partition, out var committedWhenAssigned))
                    diary.Began(name, found.Partition, found.Offset, committedWhenAssigned);
                diary.Read(found.Partition, found.Offset);
                uncommitted[found.TopicPartition] = found.Offset + 1;
                if (++read % CommitsEvery != 0)
                    continue;
            }

            Commit();
        }
    }

    private void Assigned(List<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
            unbegun[partition.Partition] = diary.CommittedOf(partition.Partition);
    }

    private void Revoked(List<TopicPartitionOffset> partitions)
    {
        Commit();
        Gone(partitions.Select(partition => partition.TopicPartition));
    }

    private void Gone(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            unbegun.Remove(partition.Partition);
            uncommitted.Remove(partition);
        }
    }

    private void Commit()
    {
        if (uncommitted.Count == 0)
            return;
        var offsets = uncommitted.Select(pair => new TopicPartitionOffset(pair.Key, pair.Value)).ToList();
        try
        {
            consumer.Commit(offsets);
            diary.WasCommitted(offsets);
            uncommitted.Clear();
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            // The broker is away, or the group is about to change: what was read is committed with the next ones, or read again.
            diary.NotCommitted(name, e.Error);
        }
    }
}
