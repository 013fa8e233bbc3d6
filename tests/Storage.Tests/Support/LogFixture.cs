using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage.Tests;

/// <summary>A node's logs on a disk in memory, which can be closed, killed and opened again.</summary>
internal sealed class LogFixture : IDisposable
{
    public const string Root = "/logs";
    public const long T = 1_700_000_000_000;

    public static readonly TopicPartition Foo = new("foo", 0);
    public static readonly Uuid FooId = new(0x0102030405060708, 0x090a0b0c0d0e0f10);

    private readonly IReadOnlyList<string> logDirs;
    private ProcessDisk process;

    public LogFixture(LogConfig? config = null, MemoryFileSystem? disk = null, params string[] logDirs)
    {
        Config = config ?? LogConfig.Default;
        Disk = disk ?? new();
        this.logDirs = logDirs is [] ? [Root] : logDirs;
        process = new(Disk);
        Manager = Open();
    }

    public LogConfig Config { get; set; }

    /// <summary>No threads: tests say when logs are compacted.</summary>
    public CleanerOptions Cleaner { get; set; } = new() { Threads = 0, DedupeBufferBytes = 1 << 20 };

    public MemoryFileSystem Disk { get; }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(T));

    public LogManager Manager { get; private set; }

    /// <summary>The log of foo-0.</summary>
    public PartitionLog Log
    {
        get
        {
            if (Manager.Find(Foo) is { } found)
                return found;
            Assert.Equal(ErrorCode.None, Manager.GetOrCreate(Foo, FooId, Config, out var log));
            return log!;
        }
    }

    public string Directory => $"{Root}/foo-0";

    public byte[] File(string name) => Disk.Contents[$"{Directory}/{name}"];

    /// <summary>Changes a file of the log, which must not be open.</summary>
    public void Damage(string name, Func<byte[], byte[]> change) => Disk.Put($"{Directory}/{name}", change(File(name)));

    /// <summary>Compacts all logs that need it, one after the other; returns how many passes that took.</summary>
    public int Clean()
    {
        using var pass = Manager.Cleaner.NewPass(Cleaner, CancellationToken.None);
        var passes = 0;
        while (Manager.Cleaner.CleanOne(pass))
            Assert.True(++passes < 10_000);
        return passes;
    }

    /// <summary>Closes the logs in order and opens them again.</summary>
    public void Restart()
    {
        Close();
        Manager = Open();
    }

    public void Close() => Manager.CloseAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Kills the process, or cuts the power, and opens the logs again.</summary>
    public void Crash(Random? random = null, bool powerCut = false)
    {
        process.Kill();
        Disk.Crash(random ?? new Random(1), powerCut);
        Close(); // ends the threads of the dead process, which can do nothing any more
        Manager = Open();
    }

    public void Dispose() => Close();

    private LogManager Open()
    {
        var options = new LogManagerOptions { LogDirs = logDirs, NodeId = 1, Cleaner = Cleaner };
        process = new(Disk);
        var manager = LogManager.Open(options, Time, new Random(7), NullLoggerFactory.Instance, process);
        manager.LoadLogs(_ => Config);
        return manager;
    }
}

/// <summary>Batches as clients and coordinators send them.</summary>
internal static class Batches
{
    public static byte[] Plain(params (long Time, string Key, string Value)[] records) => Build(RecordBatchOptions.Default, records);

    public static byte[] Idempotent(long producerId, short epoch, int sequence, params (long Time, string Key, string Value)[] records) =>
        Build(RecordBatchOptions.Default with { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence }, records);

    public static byte[] Transactional(long producerId, short epoch, int sequence, params (long Time, string Key, string Value)[] records) =>
        Build(
            RecordBatchOptions.Default with { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence, IsTransactional = true }, records);

    public static byte[] Marker(bool commit, long producerId, short epoch, int coordinatorEpoch, long time)
    {
        using var builder = new RecordBatchBuilder();
        ControlRecordBatch.WriteMarker(builder, commit, producerId, epoch, coordinatorEpoch, time);
        return builder.Build().ToArray();
    }

    /// <summary>Records of which some have no value (a tombstone) or no key.</summary>
    public static byte[] Keyed(RecordBatchOptions options, params (long Time, string? Key, string? Value)[] records)
    {
        using var builder = new RecordBatchBuilder(options);
        foreach (var (time, key, value) in records)
            builder.Append(time, Bytes(key), Bytes(value));
        return builder.Build().ToArray();

        static byte[]? Bytes(string? text) => text is null ? null : System.Text.Encoding.UTF8.GetBytes(text);
    }

    public static byte[] Sized(int bytes, long time = LogFixture.T)
    {
        using var builder = new RecordBatchBuilder();
        var overhead = Plain((time, "k", "")).Length;
        builder.Append(time, "k"u8, new byte[Math.Max(0, bytes - overhead - 2)]);
        return builder.Build().ToArray();
    }

    public static byte[] Build(RecordBatchOptions options, params (long Time, string Key, string Value)[] records)
    {
        using var builder = new RecordBatchBuilder(options);
        foreach (var (time, key, value) in records)
            builder.Append(time, System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value));
        return builder.Build().ToArray();
    }

    public static AppendResult Append(this PartitionLog log, byte[] batch, int epoch = 0, AppendOrigin origin = AppendOrigin.Client)
    {
        var result = log.AppendAsLeader(batch, epoch, origin);
        if (result.Error == ErrorCode.None)
            log.AdvanceHighWatermark(log.LogEndOffset);
        return result;
    }

    /// <summary>Appends behind a new segment's beginning.</summary>
    public static AppendResult AppendToNewSegment(this PartitionLog log, byte[] batch, int epoch = 0, AppendOrigin origin = AppendOrigin.Client)
    {
        var config = log.Config;
        log.Config = config with { SegmentBytes = Math.Max(batch.Length, log.AllSegments[^1].Size) };
        var result = log.Append(batch, epoch, origin);
        log.Config = config;
        return result;
    }

    /// <summary>Everything that can be read from an offset on, batch by batch, with the offsets.</summary>
    public static List<(long BaseOffset, byte[] Bytes)> ReadAll(this PartitionLog log, long from = 0, int maxBytes = 1 << 20)
    {
        var all = new List<(long, byte[])>();
        for (var offset = Math.Max(from, log.LogStartOffset); ;)
        {
            var read = log.Read(offset, maxBytes, long.MaxValue, minOneBatch: true);
            Assert.Equal(ErrorCode.None, read.Error);
            var progress = offset;
            foreach (var batch in RecordBatches.Enumerate(read.Records.ToArray()))
            {
                if (batch.LastOffset < offset)
                    continue;
                all.Add((batch.BaseOffset, batch.Bytes.ToArray()));
                offset = batch.NextOffset;
            }

            if (offset == progress)
                return all;
        }
    }
}
