using Milena.Protocol;

namespace Milena.Storage;

/// <summary>
/// A run of batches in a segment file. It can be read as long as the file is there: after the segment has left the log, for
/// <c>file.delete.delay.ms</c>.
/// </summary>
internal sealed class SegmentSlice(LogSegment segment, int position, int length, LogDirectory directory) : RecordSource
{
    /// <inheritdoc/>
    public override int Length => length;

    public LogSegment Segment => segment;

    /// <summary>Where the slice ends in the file.</summary>
    public int EndPosition => position + length;

    /// <inheritdoc/>
    public override void Read(int offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, length - offset);
        try
        {
            segment.File.ReadExactly(position + offset, destination);
        }
        catch (IOException e) when (!segment.File.IsRemoved && e is not EndOfStreamException)
        {
            directory.Fail(e);
            throw;
        }
    }
}
