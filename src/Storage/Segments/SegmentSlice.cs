using Milena.Protocol;

namespace Milena.Storage;

/// <summary>
/// A run of batches in a segment file. It can be read as long as the file is there: after the segment has left the log, for
/// <c>file.delete.delay.ms</c>.
/// </summary>
/// <param name="segment">Where it lies.</param>
/// <param name="position">Where it begins in the file.</param>
/// <param name="length">How many bytes it has.</param>
/// <param name="log">All segments of the log when it was found: what is known of its transactions stands in these.</param>
/// <param name="directory">Whose disk it is.</param>
internal sealed class SegmentSlice(LogSegment segment, int position, int length, LogSegment[] log, LogDirectory directory) : RecordSource
{
    /// <inheritdoc/>
    public override int Length => length;

    public LogSegment Segment => segment;

    public LogSegment[] Log => log;

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
