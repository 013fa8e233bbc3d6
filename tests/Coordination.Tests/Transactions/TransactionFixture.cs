using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Tests.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>A coordinator that leads the partition of one transactional id, with time, disk and markers in the test's hand.</summary>
public abstract class TransactionFixture : IDisposable
{
    protected const string Id = "my-transactions";
    protected static readonly TopicPartition T0 = new("t", 0);
    protected static readonly TopicPartition T1 = new("t", 1);
    private protected readonly FakeTimeProvider Time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private protected readonly InMemoryLog Log = new();
    private protected readonly FakeMarkers Markers = new();
    private protected readonly Topics Known = new();
    private protected readonly TransactionCoordinator Coordinator;
    private long nextProducerId = 1_000;

    protected TransactionFixture() => Coordinator = NewCoordinator();

    protected short TransactionVersion { get; set; } = 2;

    protected ErrorCode NoProducerIds { get; set; }

    protected int Partition => Coordinator.PartitionFor(Id);

    public void Dispose()
    {
        Coordinator.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected TransactionCoordinator NewCoordinator() => new(
        new TransactionConfig(),
        Known,
        Markers,
        () => new((NoProducerIds, NoProducerIds == ErrorCode.None ? nextProducerId++ : -1)),
        () => TransactionVersion,
        Time,
        NullLogger<TransactionCoordinator>.Instance);

    protected async Task ElectAsync(int epoch = 5) => Assert.True(await Coordinator.OnElected(Partition, epoch, Log));

    private protected async Task<InitProducerIdResponse> Init(
        long producerId = -1, short epoch = -1, string? id = Id, int timeoutMs = 60_000, short version = 5) =>
        await Coordinator.InitProducerId(
            new() { TransactionalId = id, TransactionTimeoutMs = timeoutMs, ProducerId = producerId, ProducerEpoch = epoch }, version);

    private protected async Task<EndTxnResponse> End(InitProducerIdResponse producer, bool commit = true, short version = 5) =>
        await Coordinator.EndTxn(
            new() { TransactionalId = Id, ProducerId = producer.ProducerId, ProducerEpoch = producer.ProducerEpoch, Committed = commit }, version);

    private protected async Task<ErrorCode> Add(InitProducerIdResponse producer, params TopicPartition[] partitions) =>
        (await Coordinator.EnsureAsync(Id, producer.ProducerId, producer.ProducerEpoch, partitions, add: true))[0];

    private protected async Task<DescribeTransactionsResponse.TransactionStateData> Describe(string id = Id) =>
        Assert.Single((await Coordinator.DescribeTransactions(new() { TransactionalIds = [id] })).TransactionStates);

    private protected async Task<string> State() => (await Describe()).TransactionState;

    /// <summary>What is asked of the leaders of partitions, answered as the test wants.</summary>
    private protected sealed class FakeMarkers : IMarkerChannel
    {
        private readonly List<TaskCompletionSource<ErrorCode>> held = [];

        /// <summary>Every marker that was asked for.</summary>
        public List<(TopicPartition Partition, long ProducerId, short Epoch, int CoordinatorEpoch, bool Commit, short Version)> Asked { get; } = [];

        /// <summary>The answer by partition; NONE for others.</summary>
        public Dictionary<TopicPartition, ErrorCode> Answers { get; } = [];

        /// <summary>Whether markers wait until <see cref="Release"/>.</summary>
        public bool Holds { get; set; }

        public ValueTask<ErrorCode> WriteAsync(
            TopicPartition partition, long producerId, short producerEpoch, int coordinatorEpoch, bool commit, short transactionVersion)
        {
            Asked.Add((partition, producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion));
            if (!Holds)
                return new(Answers.GetValueOrDefault(partition));
            var source = new TaskCompletionSource<ErrorCode>();
            held.Add(source);
            return new(source.Task);
        }

        public void Release(ErrorCode error = ErrorCode.None)
        {
            Holds = false;
            foreach (var source in held.ToArray())
                source.SetResult(error);
            held.Clear();
        }
    }

    private protected sealed class Topics : IGroupTopics
    {
        public Dictionary<string, int> Counts { get; } = new() { ["t"] = 4 };

        public int PartitionCount(string topic) => Counts.GetValueOrDefault(topic);

        public Uuid TopicId(string topic) => Uuid.Zero;

        public string? TopicName(Uuid topicId) => null;

        public IEnumerable<string> Names => Counts.Keys;

        public object Stamp => Counts;
    }
}
