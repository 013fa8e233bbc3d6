using Microsoft.Extensions.Logging.Abstractions;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests.Compaction;

/// <summary>What a pass costs in memory, and what stays of a log that only ever says the same few things.</summary>
public sealed class CompactionCostTests : IAsyncDisposable
{
    private readonly string root = Path.Combine(Path.GetTempPath(), $"storage-tests-{Guid.NewGuid():n}");
    private readonly LogManager manager;

    public CompactionCostTests() => manager = LogManager.Open(
        new() { LogDirs = [root], NodeId = 1 }, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);

    public async ValueTask DisposeAsync()
    {
        await manager.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Lz4)]
    public void A_pass_allocates_nothing_for_a_record(CompressionCodec codec)
    {
        const int RecordsPerBatch = 2000;
        var config = LogConfig.Default with { CleanupPolicy = CleanupPolicy.Compact, SegmentBytes = 1 << 20 };
        using var pass = manager.Cleaner.NewPass(manager.Cleaner.Options, CancellationToken.None);
        Clean("warm-up", 90); // which takes as much memory for keys as will be needed
        var small = Clean("small", 30);
        var large = Clean("large", 90);
        Assert.True(large - small < 60 * RecordsPerBatch, $"{large - small} bytes for {60 * RecordsPerBatch} records more"); // a little for each batch

        long Clean(string topic, int batches)
        {
            Assert.Equal(ErrorCode.None, manager.GetOrCreate(new(topic, 0), Uuid.Next(new Random(batches)), config, out var log));
            Assert.NotNull(log);
            var random = new Random(1);
            for (var i = 0; i < batches; i++)
            {
                log.Append(Batches.Keyed(
                    RecordBatchOptions.Default with { Codec = codec },
                    [.. Enumerable.Range(0, RecordsPerBatch).Select(_ => (T, (string?)$"key {random.Next(20_000)}", (string?)"some value"))]));
            }

            log.AppendToNewSegment(Batches.Plain((T, "active", "1")));
            log.FlushAsync(log.LogEndOffset).AsTask().GetAwaiter().GetResult();
            var plan = CompactionPlan.Of(log.CompactionFacts()!, T);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var result = pass.Run(log, plan, T);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal((CompactionOutcome.Done, plan.FirstUncleanableOffset), (result.Outcome, result.EndOffset));
            return allocated;
        }
    }

    [Fact]
    public void Millions_of_records_of_few_keys_leave_little()
    {
        const int Batches = 400;
        const int RecordsPerBatch = 5000;
        var config = LogConfig.Default with { CleanupPolicy = CleanupPolicy.Compact, SegmentBytes = 4 << 20 };
        Assert.Equal(ErrorCode.None, manager.GetOrCreate(new("commits", 0), Uuid.Next(new Random(1)), config, out var log));
        Assert.NotNull(log);
        using var pass = manager.Cleaner.NewPass(manager.Cleaner.Options, CancellationToken.None);
        using var builder = new RecordBatchBuilder();
        Span<byte> key = stackalloc byte[sizeof(int)];
        var sizeMax = 0L;
        for (var i = 0; i < Batches; i++)
        {
            builder.Begin(RecordBatchOptions.Default);
            for (var j = 0; j < RecordsPerBatch; j++)
            {
                BitConverter.TryWriteBytes(key, j % 100);
                builder.Append(T, key, "an offset, and what was said of it"u8);
            }

            Assert.Equal(ErrorCode.None, log.Append(builder.Build().ToArray(), origin: AppendOrigin.Coordinator).Error);
            if (i % 40 == 39)
            {
                while (manager.Cleaner.CleanOne(pass))
                {
                    // until there is nothing to do
                }

                sizeMax = Math.Max(sizeMax, log.Size);
            }
        }

        Assert.Equal(Batches * RecordsPerBatch, log.LogEndOffset);
        Assert.InRange(sizeMax, 1, 9 << 20); // the active segment, and at most one more that the ratio does not yet call dirty enough
        Assert.InRange(log.SegmentCount, 2, 4);
    }
}
