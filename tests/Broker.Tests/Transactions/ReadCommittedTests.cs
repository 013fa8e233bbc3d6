using Microsoft.Extensions.Time.Testing;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Transactions;

/// <summary>
/// Transactional producers of both generations and plain ones write to two partitions in any order, commit and abort, and the node is
/// stopped or killed between; whoever reads what is committed sees what a plain list says: never a record of an open or aborted
/// transaction, each committed one once, in order.
/// </summary>
public sealed class ReadCommittedTests : IDisposable
{
    private readonly List<TempDirectory> directories = [new()];
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public void Dispose() => directories.ForEach(directory => directory.Dispose());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_is_committed_is_seen_once_and_in_order_over_restarts(int seed)
    {
        var random = new Random(seed);
        var story = new Story(random);
        TestTopic? topic = null;
        for (var life = 0; life < 3; life++)
        {
            await using var broker = await TestBroker.StartAsync(directories[^1], time);
            await using var client = broker.Connect();
            topic ??= await client.CreateTopic("t", partitions: 2, configs: ("segment.bytes", "1048576"));
            await story.Begin(client, topic);
            for (var step = 0; step < 60; step++)
            {
                await story.Step();
                if (step % 15 == 14)
                    await story.Check();
            }

            await story.Check();
            if (random.Next(2) == 0)
                continue; // stopped in order
            directories.Add(directories[^1].Copy()); // or killed: the next life knows what was on the disk
        }
    }

    private sealed class Story(Random random)
    {
        private readonly List<Record>[] written = [[], []];
        private readonly TestProducer[] producers = new TestProducer[4];
        private readonly bool[] isOpen = new bool[4];
        private readonly HashSet<int>[] added = [[], [], [], []];
        private TestClient client = null!;
        private TestTopic topic = null!;

        /// <summary>In each life the producers begin anew, which aborts what they have left open.</summary>
        public async Task Begin(TestClient newClient, TestTopic newTopic)
        {
            (client, topic) = (newClient, newTopic);
            for (var i = 0; i < producers.Length; i++)
            {
                producers[i] = new TestProducer(client, $"tx-{i}", isOld: i % 2 == 1);
                Assert.Equal(ErrorCode.None, await producers[i].Init());
                End(i, commit: false);
            }
        }

        public async Task Step()
        {
            var (i, partition) = (random.Next(producers.Length), random.Next(2));
            if (random.Next(5) == 0)
            {
                var value = NewValue();
                written[partition].Add(new(await client.ProduceValues(topic, partition, value), value, -1) { IsCommitted = true });
            }
            else if (isOpen[i] && random.Next(3) == 0)
            {
                var commit = random.Next(2) == 0;
                Assert.Equal(ErrorCode.None, await producers[i].End(commit));
                End(i, commit);
            }
            else
            {
                if (i % 2 == 1 && added[i].Add(partition))
                    await Added(i, partition);
                var values = Enumerable.Range(0, random.Next(1, 3)).Select(_ => NewValue()).ToArray();
                Assert.Equal(ErrorCode.None, await producers[i].Produce(topic, partition, values));
                foreach (var value in values)
                    written[partition].Add(new(-1, value, i));
                isOpen[i] = true;
            }
        }

        public async Task Check()
        {
            for (var partition = 0; partition < 2; partition++)
            {
                var firstOpen = written[partition].FindIndex(record => record.IsCommitted is null);
                var stable = firstOpen < 0 ? written[partition] : written[partition][..firstOpen];
                var committed = stable.Where(record => record.IsCommitted == true).Select(record => record.Value);
                Assert.Equal(committed, await Read(partition));
            }
        }

        // The transaction before may still be ending: old clients are told so, and ask again.
        private async Task Added(int i, int partition)
        {
            ErrorCode error;
            while ((error = await producers[i].Add(topic, partition)) == ErrorCode.ConcurrentTransactions)
                await Task.Yield();
            Assert.Equal(ErrorCode.None, error);
        }

        private void End(int producer, bool commit)
        {
            foreach (var record in written.SelectMany(records => records).Where(record => record.Producer == producer && record.IsCommitted is null))
                record.IsCommitted = commit;
            isOpen[producer] = false;
            added[producer].Clear();
        }

        private string NewValue() => $"{written[0].Count + written[1].Count}-{random.Next(1000)}";

        // Markers follow the answer to EndTxn: the reader waits until nothing is held back that should not be.
        private async Task<List<string>> Read(int partition)
        {
            var expectedOpen = written[partition].Any(record => record.IsCommitted is null);
            while (true)
            {
                var seen = new List<string>();
                var (offset, end) = (0L, 0L);
                while (true)
                {
                    var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(partition, offset, maxBytes: random.Next(1, 600)));
                    request.IsolationLevel = 1;
                    var read = (await client.Send(request)).Only();
                    Assert.Equal(ErrorCode.None, read.ErrorCode);
                    Assert.True(read.LastStableOffset <= read.HighWatermark);
                    (end, var from) = (read.LastStableOffset, offset);
                    offset = Take(read, offset, seen);
                    if (offset == from)
                        break;
                }

                var described = await client.Send(new DescribeProducersRequest { Topics = [new() { Name = topic.Name, PartitionIndexes = [partition] }] });
                var open = described.Topics[0].Partitions[0].ActiveProducers.Count(producer => producer.CurrentTxnStartOffset >= 0);
                if (open == written[partition].Where(record => record.IsCommitted is null).Select(record => record.Producer).Distinct().Count()
                    && end == await Latest(partition))
                    return seen;
                Assert.True(open > 0 || !expectedOpen);
                await Task.Yield();
            }
        }

        private async Task<long> Latest(int partition) => (await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            IsolationLevel = 1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = partition, Timestamp = -1 }] }],
        })).Topics[0].Partitions[0].Offset;

        private static long Take(FetchResponse.PartitionData read, long offset, List<string> seen)
        {
            var begins = new Queue<FetchResponse.AbortedTransaction>(read.AbortedTransactions!.OrderBy(one => one.FirstOffset));
            var aborted = new HashSet<long>();
            using var scratch = new PooledBuffer();
            foreach (var batch in RecordBatches.Enumerate(read.Records.ToArray()))
            {
                while (begins.TryPeek(out var next) && next.FirstOffset <= batch.LastOffset)
                    aborted.Add(begins.Dequeue().ProducerId);
                if (ControlRecordBatch.TryReadMarker(batch, out var commit, out _))
                {
                    if (!commit)
                        aborted.Remove(batch.ProducerId);
                }
                else if (!batch.IsTransactional || !aborted.Contains(batch.ProducerId))
                {
                    foreach (var record in batch.ReadRecords(scratch, 1 << 20))
                    {
                        if (record.Offset >= offset)
                            seen.Add(System.Text.Encoding.UTF8.GetString(record.Value.Span));
                    }
                }

                offset = Math.Max(offset, batch.NextOffset);
            }

            return offset;
        }
    }

    private sealed record Record(long Offset, string Value, int Producer)
    {
        public bool? IsCommitted { get; set; }
    }
}
