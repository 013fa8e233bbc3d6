namespace Milena.Broker.Tests;

/// <summary>Chance from a seed, for several threads at once.</summary>
internal sealed class SharedRandom(int seed) : Random
{
    private readonly Random random = new(seed);

    public override int Next()
    {
        lock (random)
            return random.Next();
    }

    public override int Next(int maxValue)
    {
        lock (random)
            return random.Next(maxValue);
    }

    public override int Next(int minValue, int maxValue)
    {
        lock (random)
            return random.Next(minValue, maxValue);
    }

    public override long NextInt64()
    {
        lock (random)
            return random.NextInt64();
    }

    public override long NextInt64(long maxValue)
    {
        lock (random)
            return random.NextInt64(maxValue);
    }

    public override long NextInt64(long minValue, long maxValue)
    {
        lock (random)
            return random.NextInt64(minValue, maxValue);
    }

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        lock (random)
            random.NextBytes(buffer);
    }

    public override double NextDouble()
    {
        lock (random)
            return random.NextDouble();
    }

    protected override double Sample() => NextDouble();
}
