using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// The last offset of each key in the part of a log that is being compacted: a table with open addressing in a fixed budget of memory,
/// 24 bytes an entry, that is used for one pass after another. It takes only as much of the budget as a pass needs, and keeps that.
/// One thread at a time.
/// </summary>
internal sealed class OffsetMap
{
    /// <summary>16 bytes of hash and the offset.</summary>
    public const int EntryBytes = 24;

    private const int ChunkBits = 12;
    private const int ChunkSlots = 1 << ChunkBits;

    private readonly int slotsMax;
    private readonly double loadFactor;
    private readonly KeyHash hash;
    private readonly List<Entry[]> chunks = []; // allocated when first needed, so that none becomes garbage when more are
    private int slots;
    private int keysMax;

    /// <param name="bytesMax">How much memory the entries may take.</param>
    /// <param name="loadFactor">How much of it may be used, between 0 and 1; searches get slow when it is full.</param>
    /// <param name="hash">What stands for a key.</param>
    public OffsetMap(long bytesMax, double loadFactor, KeyHash hash)
    {
        this.loadFactor = loadFactor;
        this.hash = hash;
        slotsMax = (int)Math.Clamp(bytesMax / EntryBytes, 2, Array.MaxLength);
    }

    /// <summary>How many keys it holds.</summary>
    public int Count { get; private set; }

    /// <summary>How much of the whole budget is in use, from 0 to 1.</summary>
    public double Utilization => (double)Count / slotsMax;

    /// <summary>Every record up to this offset has been seen; set by whoever fills the map.</summary>
    public long LatestOffset { get; set; }

    /// <summary>Empties the map, for at most so many records, of which none lies below an offset.</summary>
    public void Begin(long fromOffset, long recordsMax)
    {
        Count = 0;
        LatestOffset = fromOffset - 1;
        slots = (int)Math.Clamp(recordsMax + (recordsMax / 2), 2, slotsMax);
        keysMax = (int)Math.Clamp(slots * loadFactor, 1, slots - 1); // a search ends at an empty slot
        for (var i = 0; i < slots; i += ChunkSlots)
        {
            var index = i >> ChunkBits;
            var needed = Math.Min(ChunkSlots, slotsMax - i);
            if (index == chunks.Count)
                chunks.Add(new Entry[needed]);
            else
                Array.Clear(chunks[index]);
        }
    }

    /// <summary>Notes that a key has a record at an offset; false if the key is new and there is no room for it.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, long offset)
    {
        var (first, second) = hash.Compute(key);
        ref var entry = ref Find(first, second);
        if (entry.IsEmpty)
        {
            if (Count >= keysMax)
                return false;
            Count++;
            entry.First = first;
            entry.Second = second;
        }

        entry.OffsetPlusOne = Math.Max(entry.OffsetPlusOne, offset + 1);
        return true;
    }

    /// <summary>The last offset of a key; -1 if there is none.</summary>
    public long Find(ReadOnlySpan<byte> key)
    {
        var (first, second) = hash.Compute(key);
        return Find(first, second).OffsetPlusOne - 1;
    }

    private ref Entry Find(ulong first, ulong second)
    {
        Invariant.Holds(slots > 0);
        var slot = (int)Math.BigMul(first, (ulong)slots, out _);
        while (true)
        {
            ref var entry = ref chunks[slot >> ChunkBits][slot & (ChunkSlots - 1)];
            if (entry.IsEmpty || (entry.First == first && entry.Second == second))
                return ref entry;
            slot = slot + 1 == slots ? 0 : slot + 1;
        }
    }

    private struct Entry
    {
        public ulong First;
        public ulong Second;
        public long OffsetPlusOne; // so that an entry of zeros is empty

        public readonly bool IsEmpty => OffsetPlusOne == 0;
    }
}
