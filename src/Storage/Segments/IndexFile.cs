using System.Buffers;
using System.Buffers.Binary;

namespace Milena.Storage;

/// <summary>
/// A file of entries of one size, sorted by a key in each of them: what the three kinds of index have in common. One thread writes
/// at a time; readers need no lock. New entries stay in memory until there are enough for a write, because a write of one costs as
/// much as a tenth of an append; they are found there all the same, and a crash loses nothing that recovery could not build again.
/// </summary>
/// <param name="file">Opened only when it must be.</param>
/// <param name="entrySize">Bytes of an entry.</param>
/// <param name="keyOffset">Where the key lies in an entry.</param>
/// <param name="keySize">4 for an int32, 8 for an int64.</param>
internal sealed class IndexFile(LazyFile file, int entrySize, int keyOffset, int keySize)
{
    private const int TailEntriesMin = 4;
    private const int TailEntriesMax = 64;
    private const int BlockBytes = 2048;

    private State? state;

    public LazyFile File => file;

    /// <summary>How many entries there are. Reads the file's size if it has not been used yet.</summary>
    public int Count => Loaded().Count;

    /// <summary>Makes the file if it is missing, and leaves it without entries.</summary>
    public void CreateEmpty()
    {
        file.SetSize(0);
        Volatile.Write(ref state, new State(0, []));
    }

    /// <summary>Whether the file holds a whole number of entries, which are read when they are needed.</summary>
    public bool HasSoundSize => file.Size % entrySize == 0;

    /// <summary>Adds an entry, whose key must be larger than the last one's.</summary>
    public void Append(ReadOnlySpan<byte> entry)
    {
        var current = Loaded();
        if (current.TailCount == TailEntriesMax)
        {
            Flush();
            current = Loaded();
        }

        if (current.TailCount * entrySize == current.Tail.Length)
        {
            var larger = new byte[Math.Clamp(current.TailCount * 2, TailEntriesMin, TailEntriesMax) * entrySize];
            current.Tail.CopyTo(larger, 0);
            current = new State(current.FileCount, larger) { TailCount = current.TailCount };
            Volatile.Write(ref state, current);
        }

        entry.CopyTo(current.Tail.AsSpan(current.TailCount * entrySize));
        Volatile.Write(ref current.TailCount, current.TailCount + 1); // readers see the entry from here on
    }

    /// <summary>Writes what is only in memory.</summary>
    public void Flush()
    {
        var current = Loaded();
        if (current.TailCount == 0)
            return;
        file.Write((long)current.FileCount * entrySize, current.Tail.AsSpan(0, current.TailCount * entrySize));
        Volatile.Write(ref state, new State(current.Count, [])); // a reader may still hold the old one, so its tail is not used again
    }

    /// <summary>Keeps only the first entries.</summary>
    public void Truncate(int count)
    {
        if (count > 0)
            Flush();
        if (file.Exists && file.Size == (long)count * entrySize && Volatile.Read(ref state) is null or { TailCount: 0 })
        {
            Volatile.Write(ref state, new State(count, []));
            return;
        }

        file.SetSize((long)count * entrySize);
        Volatile.Write(ref state, new State(count, []));
    }

    /// <summary>Copies the entry at an index, or returns false if there are not so many.</summary>
    public bool TryRead(int index, Span<byte> entry) => TryRead(Loaded(), index, entry);

    /// <summary>Copies the last entry, or returns false if there is none.</summary>
    public bool TryReadLast(Span<byte> entry)
    {
        var current = Loaded();
        return TryRead(current, current.Count - 1, entry);
    }

    /// <summary>The index of the last entry whose key is at most <paramref name="key"/>, and its bytes; -1 if there is none.</summary>
    public int FindLast(long key, Span<byte> entry)
    {
        var current = Loaded();
        var low = 0;
        var high = current.Count; // the answer lies in [low - 1, high)
        Span<byte> block = stackalloc byte[BlockBytes];
        while (low < high)
        {
            if (high <= current.FileCount && (high - low) * entrySize <= BlockBytes)
            {
                var run = block[..((high - low) * entrySize)];
                file.ReadExactly((long)low * entrySize, run);
                var within = FindLastIn(run, key);
                if (within >= 0)
                    run.Slice(within * entrySize, entrySize).CopyTo(entry);
                if (within >= 0 || low == 0)
                    return within < 0 ? -1 : low + within;
                break;
            }

            var middle = low + ((high - low) / 2);
            if (!TryRead(current, middle, entry))
                throw new EndOfStreamException($"{file.Path} became shorter");
            if (KeyOf(entry) <= key)
                low = middle + 1;
            else
                high = middle;
        }

        var found = low - 1;
        return found >= 0 && TryRead(current, found, entry) ? found : -1;
    }

    /// <summary>All entries, for what must see each of them. The array is rented from the shared pool and may be longer.</summary>
    public byte[] RentAll(out int count)
    {
        var current = Loaded();
        count = current.Count;
        var bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, count * entrySize));
        var inFile = current.FileCount * entrySize;
        file.ReadExactly(0, bytes.AsSpan(0, inFile));
        current.Tail.AsSpan(0, (count * entrySize) - inFile).CopyTo(bytes.AsSpan(inFile));
        return bytes;
    }

    private bool TryRead(State current, int index, Span<byte> entry)
    {
        if (index < 0 || index >= current.Count)
            return false;
        if (index < current.FileCount)
            file.ReadExactly((long)index * entrySize, entry[..entrySize]);
        else
            current.Tail.AsSpan((index - current.FileCount) * entrySize, entrySize).CopyTo(entry);
        return true;
    }

    private int FindLastIn(ReadOnlySpan<byte> run, long key)
    {
        var low = 0;
        var high = run.Length / entrySize;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (KeyOf(run[(middle * entrySize)..]) <= key)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }

    private long KeyOf(ReadOnlySpan<byte> entry) => keySize == sizeof(int)
        ? BinaryPrimitives.ReadInt32BigEndian(entry[keyOffset..])
        : BinaryPrimitives.ReadInt64BigEndian(entry[keyOffset..]);

    private State Loaded() => Volatile.Read(ref state) ?? Load();

    private State Load()
    {
        var loaded = new State((int)(file.Size / entrySize), []);
        return Interlocked.CompareExchange(ref state, loaded, null) ?? loaded;
    }

    private sealed class State(int fileCount, byte[] tail)
    {
        public readonly int FileCount = fileCount;
        public readonly byte[] Tail = tail;
        public int TailCount;

        public int Count => FileCount + Volatile.Read(ref TailCount);
    }
}
