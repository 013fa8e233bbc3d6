using System.Numerics;

namespace Milena.Metrics;

/// <summary>
/// How values are distributed: over its whole life (count, least, greatest, mean, deviation), and lately (percentiles). Any
/// thread may use it. Its memory is bounded, and grows with the magnitudes that occur, not with the number of values.
/// </summary>
/// <remarks>
/// A value is counted in one of 32 buckets for each power of two; below 64 each value has its own. A percentile is therefore off by 1.6 %
/// at most. Percentiles are weighted towards the present, as in Yammer's exponentially decaying reservoir: a value of a minute ago has
/// e^(-0.015 * 60) = 0.41 of the weight of one of now. Kafka keeps a sample of 1,028 values for that; here all values count.
/// </remarks>
public sealed class Histogram
{
    private const int SubBits = 5;
    private const int SubBuckets = 1 << SubBits;
    private const int Magnitudes = 64 - SubBits;
    private const double DecayPerSecond = 0.015;

    /// <summary>Weights grow by then to e^54, and start anew.</summary>
    private const double LandmarkSeconds = 3600;

    private readonly TimeProvider time;
    private readonly double unit;
    private readonly Buckets?[] magnitudes = new Buckets?[Magnitudes];
    private readonly Lock reading = new();
    private long landmark;
    private long zeros; // most times of most requests are none at all
    private long foldedZeros;
    private double zeroWeight;
    private long foldedCount;
    private double foldedSquares; // of the raw values
    private long sum;
    private long least = long.MaxValue;
    private long greatest = long.MinValue;

    /// <param name="time">The clock, by which old values lose their weight.</param>
    /// <param name="unit">What one of the values that are given stands for in what is shown: 0.001 shows microseconds as ms.</param>
    public Histogram(TimeProvider time, double unit = 1)
    {
        this.time = time;
        this.unit = unit;
        landmark = time.GetTimestamp();
    }

    /// <summary>How many values there were.</summary>
    public long Count
    {
        get
        {
            lock (reading)
            {
                Fold();
                return foldedCount;
            }
        }
    }

    /// <summary>The sum of all values, in the unit of what is shown.</summary>
    public double Sum => Interlocked.Read(ref sum) * unit;

    /// <summary>Counts a value; one below 0, which a clock that is set back can make, counts as 0.</summary>
    public void Update(long value)
    {
        if (value <= 0)
        {
            Interlocked.Increment(ref zeros);
            if (Volatile.Read(ref least) > 0)
                Lower(ref least, 0);
            if (Volatile.Read(ref greatest) < 0)
                Raise(ref greatest, 0);
            return;
        }

        var (magnitude, bucket) = Place(value);
        var buckets = Volatile.Read(ref magnitudes[magnitude]) ?? Add(magnitude);
        Interlocked.Increment(ref buckets.Counts[bucket]);
        Interlocked.Add(ref sum, value);
        if (value < Volatile.Read(ref least))
            Lower(ref least, value);
        if (value > Volatile.Read(ref greatest))
            Raise(ref greatest, value);
    }

    /// <summary>What there is to show, as of now.</summary>
    public Distribution Read()
    {
        lock (reading)
        {
            Fold();
            if (foldedCount == 0)
                return default;
            var mean = (double)Interlocked.Read(ref sum) / foldedCount;
            var variance = foldedCount > 1 ? Math.Max(0, (foldedSquares - (foldedCount * mean * mean)) / (foldedCount - 1)) : 0;
            return new(
                foldedCount,
                Volatile.Read(ref least) * unit,
                Volatile.Read(ref greatest) * unit,
                mean * unit,
                Math.Sqrt(variance) * unit,
                Percentile(0.5) * unit,
                Percentile(0.75) * unit,
                Percentile(0.95) * unit,
                Percentile(0.98) * unit,
                Percentile(0.99) * unit,
                Percentile(0.999) * unit);
        }
    }

    /// <summary>Gives what has come since the last time the weight of now.</summary>
    internal void Tick()
    {
        lock (reading)
            Fold();
    }

    private void Fold()
    {
        var seconds = time.GetElapsedTime(landmark).TotalSeconds;
        if (seconds > LandmarkSeconds)
        {
            landmark = time.GetTimestamp();
            Scale((float)Math.Exp(-DecayPerSecond * seconds));
            seconds = 0;
        }

        var weight = Math.Exp(DecayPerSecond * seconds);
        var newZeros = Interlocked.Read(ref zeros) - foldedZeros;
        foldedZeros += newZeros;
        foldedCount += newZeros;
        zeroWeight += newZeros * weight;
        for (var magnitude = 0; magnitude < Magnitudes; magnitude++)
        {
            if (Volatile.Read(ref magnitudes[magnitude]) is { } buckets)
                Fold(buckets, magnitude, weight);
        }
    }

    private void Fold(Buckets buckets, int magnitude, double weight)
    {
        for (var i = 0; i < SubBuckets; i++)
        {
            var count = Volatile.Read(ref buckets.Counts[i]);
            var gained = count - buckets.Folded[i]; // right even when the counter has wrapped
            if (gained == 0)
                continue;
            buckets.Folded[i] = count;
            buckets.Weights[i] += (float)(gained * weight);
            foldedCount += gained;
            var (low, width) = Bounds(magnitude, i);
            var middle = low + ((width - 1) / 2.0);
            foldedSquares += gained * middle * middle;
        }
    }

    private void Scale(float factor)
    {
        zeroWeight *= factor;
        foreach (var buckets in magnitudes)
        {
            for (var i = 0; buckets is not null && i < SubBuckets; i++)
                buckets.Weights[i] *= factor;
        }
    }

    private double Percentile(double share)
    {
        var total = zeroWeight;
        foreach (var buckets in magnitudes)
        {
            foreach (var weight in buckets?.Weights ?? [])
                total += weight;
        }

        var passed = zeroWeight;
        var wanted = share * total;
        if (wanted <= passed)
            return Math.Max(0, Volatile.Read(ref least));
        for (var magnitude = 0; magnitude < Magnitudes; magnitude++)
        {
            var weights = magnitudes[magnitude]?.Weights ?? [];
            for (var i = 0; i < weights.Length; i++)
            {
                if (weights[i] > 0 && passed + weights[i] >= wanted)
                {
                    var (low, width) = Bounds(magnitude, i);
                    var within = low + ((width - 1) * ((wanted - passed) / weights[i]));
                    return Math.Clamp(within, Volatile.Read(ref least), Volatile.Read(ref greatest));
                }

                passed += weights[i];
            }
        }

        return Volatile.Read(ref greatest); // the sum of the weights was rounded
    }

    private Buckets Add(int magnitude)
    {
        var added = new Buckets();
        return Interlocked.CompareExchange(ref magnitudes[magnitude], added, null) ?? added;
    }

    private static (int Magnitude, int Bucket) Place(long value)
    {
        var shift = Math.Max(0, BitOperations.Log2((ulong)value) - SubBits);
        return value < SubBuckets ? (0, (int)value) : (shift + 1, (int)(value >> shift) - SubBuckets);
    }

    private static (double Low, double Width) Bounds(int magnitude, int bucket)
    {
        if (magnitude == 0)
            return (bucket, 1);
        double width = 1L << (magnitude - 1);
        return ((SubBuckets + bucket) * width, width);
    }

    private static void Lower(ref long least, long value)
    {
        for (var known = Volatile.Read(ref least); value < known;)
            known = Interlocked.CompareExchange(ref least, value, known) is var seen && seen == known ? value : seen;
    }

    private static void Raise(ref long greatest, long value)
    {
        for (var known = Volatile.Read(ref greatest); value > known;)
            known = Interlocked.CompareExchange(ref greatest, value, known) is var seen && seen == known ? value : seen;
    }

    /// <summary>The buckets of one power of two.</summary>
    private sealed class Buckets
    {
        public readonly uint[] Counts = new uint[SubBuckets];
        public readonly uint[] Folded = new uint[SubBuckets]; // what of the counts is in the weights
        public readonly float[] Weights = new float[SubBuckets];
    }
}

/// <summary>How values are distributed; all zero where there were none.</summary>
/// <param name="Count">How many there were.</param>
/// <param name="Min">The least of all.</param>
/// <param name="Max">The greatest of all.</param>
/// <param name="Mean">The mean of all.</param>
/// <param name="StdDev">The standard deviation of all.</param>
/// <param name="P50">Half of the recent ones are no greater.</param>
/// <param name="P75">Three quarters of them.</param>
/// <param name="P95">95 % of them.</param>
/// <param name="P98">98 % of them.</param>
/// <param name="P99">99 % of them.</param>
/// <param name="P999">99.9 % of them.</param>
public readonly record struct Distribution(
    long Count, double Min, double Max, double Mean, double StdDev, double P50, double P75, double P95, double P98, double P99, double P999);
