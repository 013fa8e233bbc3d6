using System.Buffers;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>A file written from its beginning, through one buffer. Throws <see cref="IOException"/> if the disk refuses.</summary>
internal sealed class FileOutput(IFile file) : IBufferWriter<byte>, IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int buffered;
    private long position;

    public void Advance(int count) => buffered += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return buffer.AsMemory(buffered);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Writes what is still in the buffer; returns when all of it would survive a power cut.</summary>
    public void Complete()
    {
        Flush();
        file.SetSize(position); // a crash may have left a longer one of that name
        file.Sync();
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);

    private void Reserve(int size)
    {
        if (buffer.Length - buffered >= Math.Max(size, 1))
            return;
        Flush();
        if (size <= buffer.Length)
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = ArrayPool<byte>.Shared.Rent(size);
    }

    private void Flush()
    {
        file.Write(position, buffer.AsSpan(0, buffered));
        position += buffered;
        buffered = 0;
    }
}
