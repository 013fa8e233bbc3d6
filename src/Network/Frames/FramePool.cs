using System.Buffers;
using System.Numerics;

namespace Milena.Network;

/// <summary>
/// Buffers for frames. Its sizes lie a quarter apart, where <see cref="ArrayPool{T}"/>'s double: a frame is most often a
/// little more than a power of two (a batch of 16 KB and its header), and would leave nearly half of its buffer unused.
/// What it keeps is bounded, and shrinks when it has not been used for a while (<see cref="Trim"/>).
/// </summary>
internal sealed class FramePool
{
    private const int SmallestBytes = 4096; // below, the shared pool does well
    private const int LargestBytes = 16 << 20; // above, a frame is rare and its buffer goes to the garbage collector
    private const int StepsPerDoubling = 4;
    private static readonly int Smallest = Log2(SmallestBytes);

    private readonly long keptBytesMax;
    private readonly Shelf[] shelves;
    private long keptBytes;

    public FramePool(long keptBytesMax)
    {
        this.keptBytesMax = keptBytesMax;
        shelves = new Shelf[ShelfOf(LargestBytes) + 1];
        for (var i = 0; i < shelves.Length; i++)
            shelves[i] = new Shelf();
    }

    public static FramePool Shared { get; } = new(keptBytesMax: 64 << 20);

    /// <summary>How many bytes lie ready to be rented.</summary>
    public long KeptBytes => Volatile.Read(ref keptBytes);

    /// <summary>A buffer of at least that many bytes, with whatever was in it before.</summary>
    public byte[] Rent(int bytes)
    {
        if (bytes <= SmallestBytes / 2)
            return ArrayPool<byte>.Shared.Rent(bytes); // whose sizes double, so none of its buffers ends up on a shelf
        if (bytes > LargestBytes)
            return GC.AllocateUninitializedArray<byte>(bytes);
        var shelf = ShelfOf(bytes);
        if (shelves[shelf].TryTake() is not { } buffer)
            return GC.AllocateUninitializedArray<byte>(BytesOf(shelf));
        Interlocked.Add(ref keptBytes, -buffer.Length);
        return buffer;
    }

    /// <summary>Gives a rented buffer back; it must not be touched afterwards.</summary>
    public void Return(byte[] buffer)
    {
        if (buffer.Length < SmallestBytes)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        if (buffer.Length > LargestBytes)
            return;
        if (Interlocked.Add(ref keptBytes, buffer.Length) > keptBytesMax)
        {
            Interlocked.Add(ref keptBytes, -buffer.Length);
            return;
        }

        shelves[ShelfOf(buffer.Length)].Put(buffer);
    }

    /// <summary>Lets go of the buffers that nobody has needed since the last call.</summary>
    public void Trim()
    {
        foreach (var shelf in shelves)
            Interlocked.Add(ref keptBytes, -shelf.DropUnused());
    }

    private static int ShelfOf(int bytes)
    {
        if (bytes <= SmallestBytes)
            return 0;
        var doubling = Log2(bytes - 1);
        var step = ((bytes - 1) >> (doubling - 2)) & (StepsPerDoubling - 1); // the two bits below the highest
        return (doubling - Smallest) * StepsPerDoubling + step + 1;
    }

    private static int BytesOf(int shelf) =>
        (StepsPerDoubling + shelf % StepsPerDoubling) << (Smallest - 2 + shelf / StepsPerDoubling);

    private static int Log2(int value) => BitOperations.Log2((uint)value);

    /// <summary>The buffers of one size, the warmest on top.</summary>
    private sealed class Shelf
    {
        private readonly Lock gate = new();
        private readonly Stack<byte[]> buffers = [];
        private int unused; // the fewest there have been since the last DropUnused

        public byte[]? TryTake()
        {
            lock (gate)
            {
                if (!buffers.TryPop(out var buffer))
                    return null;
                unused = Math.Min(unused, buffers.Count);
                return buffer;
            }
        }

        public void Put(byte[] buffer)
        {
            lock (gate)
                buffers.Push(buffer);
        }

        public long DropUnused()
        {
            lock (gate)
            {
                var dropped = 0L;
                for (; unused > 0; unused--)
                    dropped += buffers.Pop().Length;
                unused = buffers.Count;
                if (unused == 0)
                    buffers.TrimExcess();
                return dropped;
            }
        }
    }
}
