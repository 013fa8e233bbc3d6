namespace Milena.Storage;

/// <summary>How logs are compacted; the names in the texts are Kafka's. A value, so a change is a new one (<see cref="LogCleaner.Options"/>).</summary>
public sealed record CleanerOptions
{
    /// <summary><c>log.cleaner.threads</c>, or 0 if <c>log.cleaner.enable</c> says no.</summary>
    public int Threads { get; init; } = 1;

    /// <summary><c>log.cleaner.backoff.ms</c>: how long to rest when nothing is dirty enough.</summary>
    public long BackoffMs { get; init; } = 15_000;

    /// <summary><c>log.cleaner.dedupe.buffer.size</c>: memory for keys, of all threads together.</summary>
    public long DedupeBufferBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary><c>log.cleaner.io.buffer.load.factor</c>: how much of that memory is used.</summary>
    public double DedupeLoadFactor { get; init; } = 0.9;

    /// <summary><c>log.cleaner.io.buffer.size</c>: memory for reading and writing, of all threads together.</summary>
    public int IoBufferBytes { get; init; } = 512 * 1024;

    /// <summary><c>log.cleaner.io.max.bytes.per.second</c>: what all threads together may read and write.</summary>
    public double IoMaxBytesPerSecond { get; init; } = double.MaxValue;
}
