using Microsoft.Extensions.Logging.Abstractions;
using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>What an append and a read cost in memory, whatever the number of records: exact, where time is not.</summary>
public sealed class AllocationTests : IAsyncDisposable
{
    private readonly string root = Path.Combine(Path.GetTempPath(), $"storage-tests-{Guid.NewGuid():n}");
    private readonly LogManager manager;
    private readonly PartitionLog log;

    public AllocationTests()
    {
        manager = LogManager.Open(new() { LogDirs = [root], NodeId = 1 }, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);
        Assert.Equal(ErrorCode.None, manager.GetOrCreate(Foo, FooId, LogConfig.Default with { TimestampAfterMaxMs = long.MaxValue }, out var created));
        log = created!;
    }

    public async ValueTask DisposeAsync()
    {
        await manager.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void An_append_allocates_a_few_bytes_however_many_records_it_has(int records)
    {
        var batch = Batches.Plain([.. Enumerable.Range(0, records).Select(i => (T, "key", "value"))]);
        var perAppend = Measure(() =>
        {
            batch.AsSpan(0, 8).Clear(); // as a client sends it
            Append(batch);
        });
        Assert.InRange(perAppend, 0, 64); // the places of recent batches and index entries, which are kept in chunks
    }

    [Fact]
    public void An_append_of_an_idempotent_producer_allocates_no_more()
    {
        var sequence = 0;
        var batch = Batches.Idempotent(7, 0, 0, (T, "key", "value"));
        var perAppend = Measure(() =>
        {
            batch.AsSpan(0, 8).Clear();
            Milena.Protocol.Records.RecordBatchHeader.SetProducer(batch, 7, 0, sequence++, transactional: false);
            Append(batch);
        });
        Assert.InRange(perAppend, 0, 64);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_read_allocates_one_small_object(int fromEnd)
    {
        for (var i = 0; i < 2000; i++)
            log.AppendAsLeader(Batches.Plain((T, "key", new string('v', 1000))), 0, AppendOrigin.Client);
        var buffer = new byte[100_000];
        var perRead = Measure(() =>
        {
            var read = log.Read(log.LogEndOffset - fromEnd, buffer.Length, log.LogEndOffset, minOneBatch: true);
            read.Records.Source!.Read(0, buffer.AsSpan(0, read.Records.Length));
        });
        Assert.InRange(perRead, 0, 120);
    }

    private void Append(byte[] batch)
    {
        var error = log.AppendAsLeader(batch, 0, AppendOrigin.Client).Error;
        if (error != ErrorCode.None)
            Assert.Fail(error.ToString()); // Assert.Equal would allocate itself
    }

    private static long Measure(Action action)
    {
        const int Rounds = 1000;
        for (var i = 0; i < 200; i++)
            action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Rounds; i++)
            action();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Rounds;
    }
}
