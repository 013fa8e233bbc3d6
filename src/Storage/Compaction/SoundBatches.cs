using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// Walks through the batches of a segment, each of them whole, with a CRC that fits and behind the one before. Anything else is a
/// <see cref="MalformedMessageException"/> that says where. Disposing returns the buffer.
/// </summary>
/// <param name="segment">Whose batches.</param>
/// <param name="position">Where one of them begins.</param>
/// <param name="windowBytes">How much to read at a time; a larger batch takes what it needs.</param>
internal ref struct SoundBatches(LogSegment segment, int position, int windowBytes)
{
    private BatchScanner scanner = new(segment.File, position, segment.Size, windowBytes);
    private long nextOffset = segment.BaseOffset;
    private bool isReading;

    /// <summary>The batch it stands on.</summary>
    public RecordBatchView Current => scanner.Current;

    /// <summary>Goes to the next batch, if there is one.</summary>
    public bool MoveNext()
    {
        if (!isReading)
            scanner.ReadAhead();
        isReading = true;
        if (!scanner.MoveNext())
            return scanner.End == BatchRunEnd.Complete ? false : throw Damage(scanner.NextPosition, "no batch follows");
        var batch = scanner.Current;
        if (batch.BaseOffset < nextOffset || batch.LastOffsetDelta < 0 || batch.LastOffset - segment.BaseOffset > int.MaxValue)
            throw Damage(scanner.Position, $"offset {batch.BaseOffset} with {batch.LastOffsetDelta} more cannot stand there");
        if (!scanner.IsCurrentValid())
            throw Damage(scanner.Position, $"the batch at offset {batch.BaseOffset} does not match its CRC");
        nextOffset = scanner.Load().NextOffset;
        return true;
    }

    /// <summary>What to say of the batch it stands on, if it turns out to be damaged in itself.</summary>
    public readonly MalformedMessageException DamageHere(string what) => Damage(scanner.Position, what);

    /// <summary>Returns the buffer.</summary>
    public void Dispose() => scanner.Dispose();

    private readonly MalformedMessageException Damage(int at, string what) => new($"segment {segment.BaseOffset} at byte {at}: {what}");
}
