using System.Buffers;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// Walks through the batches of a segment file. It reads as little as it can: where batches are small, a window of many of them at
/// once; where they are large, their headers. Disposing returns its buffer.
/// </summary>
/// <param name="file">The segment's file.</param>
/// <param name="position">Where a batch begins.</param>
/// <param name="end">Where to stop; what lies beyond is not looked at.</param>
/// <param name="windowBytes">How much to read at a time at most.</param>
internal ref struct BatchScanner(LazyFile file, int position, int end, int windowBytes = BatchScanner.SmallWindow)
{
    /// <summary>For a few batches behind an index entry.</summary>
    public const int SmallWindow = 8 * 1024;

    /// <summary>For whole segments. What was read is looked at while it is still in the cache of the core.</summary>
    public const int LargeWindow = 256 * 1024;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(windowBytes, RecordBatchHeader.Size));
    private int windowStart;
    private int windowLength;
    private int nextWindow = SmallWindow;
    private bool lastWasLarge;
    private bool readsAhead;

    /// <summary>The batch it stands on; only its header need be there.</summary>
    public RecordBatchView Current { get; private set; }

    /// <summary>Where <see cref="Current"/> begins.</summary>
    public int Position { get; private set; } = position;

    /// <summary>Where the next batch begins: as far as everything is batches.</summary>
    public int NextPosition { get; private set; } = position;

    /// <summary>Why there are no more; <see cref="BatchRunEnd.None"/> until <see cref="MoveNext"/> returns false.</summary>
    public BatchRunEnd End { get; private set; }

    /// <summary>From here on, whole batches will be asked for, so they are read many at a time.</summary>
    public void ReadAhead() => readsAhead = true;

    /// <summary>Goes to the next batch, if a whole one is there.</summary>
    public bool MoveNext()
    {
        if (End != BatchRunEnd.None)
            return false;
        if (NextPosition >= end)
            return Finish(BatchRunEnd.Complete);
        var available = Fill(NextPosition, Math.Min(RecordBatchHeader.Size, end - NextPosition));
        if (!RecordBatchView.TryReadHeader(available, out var batch))
            return Finish(available.Length < RecordBatchHeader.Size ? BatchRunEnd.Partial : BatchRunEnd.Corrupt);
        if (batch.SizeInBytes > end - NextPosition)
            return Finish(BatchRunEnd.Partial);
        Current = batch;
        Position = NextPosition;
        NextPosition += batch.SizeInBytes;
        lastWasLarge = batch.SizeInBytes > SmallWindow;
        return true;
    }

    /// <summary>Whether the CRC of <see cref="Current"/> fits. Reads the batch in pieces if it is larger than the window.</summary>
    public bool IsCurrentValid()
    {
        var size = Current.SizeInBytes;
        if (Current.IsComplete || size <= buffer.Length)
            return Load().IsValidCrc;
        if (Current.IsLegacy)
            return WithWholeCopy(static batch => batch.IsValidCrc);

        var expected = Current.Crc;
        var crc = 0u;
        for (var at = RecordBatchHeader.AttributesOffset; at < size;)
        {
            var piece = buffer.AsSpan(0, Math.Min(buffer.Length, size - at));
            file.ReadExactly(Position + at, piece);
            crc = Crc32C.Append(crc, piece);
            at += piece.Length;
        }

        windowLength = 0;
        RestoreHeader();
        return crc == expected;
    }

    /// <summary>Makes <see cref="Current"/> a whole batch and returns it.</summary>
    public RecordBatchView Load()
    {
        if (Current.IsComplete)
            return Current;
        var size = Current.SizeInBytes;
        if (size > buffer.Length)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = ArrayPool<byte>.Shared.Rent(size);
        }

        windowLength = 0;
        Current = new RecordBatchView(Fill(Position, size)[..size]);
        return Current;
    }

    /// <summary>Returns the buffer; views of batches are worthless from here on.</summary>
    public void Dispose()
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        Current = default;
    }

    private bool Finish(BatchRunEnd reason)
    {
        End = reason;
        return false;
    }

    // What the window holds from a position on, at least so many bytes; fewer only if the file is shorter than it was.
    private ReadOnlySpan<byte> Fill(int start, int needed)
    {
        var skip = start - windowStart;
        if (windowLength == 0 || skip < 0 || skip + needed > windowLength)
        {
            // After a large batch, chances are that the next one is large too; then only its header is wanted, or all of it. Otherwise
            // so much is read that it pays, once it is clear that there is more than one to look at.
            var wanted = readsAhead ? windowBytes : lastWasLarge ? needed : nextWindow;
            nextWindow = Math.Min(nextWindow * 2, windowBytes);
            wanted = Math.Min(Math.Max(wanted, needed), Math.Min(buffer.Length, end - start));
            windowStart = start;
            windowLength = file.Read(start, buffer.AsSpan(0, wanted));
            skip = 0;
        }

        return buffer.AsSpan(skip, windowLength - skip);
    }

    private void RestoreHeader()
    {
        var header = Fill(Position, Math.Min(RecordBatchHeader.Size, end - Position));
        if (RecordBatchView.TryReadHeader(header, out var batch))
            Current = batch;
    }

    private readonly bool WithWholeCopy(Func<RecordBatchView, bool> check)
    {
        var copy = ArrayPool<byte>.Shared.Rent(Current.SizeInBytes);
        try
        {
            var batch = copy.AsSpan(0, Current.SizeInBytes);
            file.ReadExactly(Position, batch);
            return check(new RecordBatchView(batch));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
