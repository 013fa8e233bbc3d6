using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Milena.Bench.Wire;
using Milena.Protocol.Records;

namespace Milena.Bench.Workers;

/// <summary>
/// The floor: a loop per connection that receives batches, checks their CRC, gives them their offset, appends them to a file and
/// acknowledges; or reads the file and sends. Nothing that a real broker needs is cheaper than this.
/// </summary>
internal sealed class FloorBroker : IDisposable
{
    private const int BufferBytes = 4 << 20;

    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle file;
    private readonly object gate = new();
    private long end; // of the file; guarded by the gate
    private long nextOffset;
    private int resets; // whoever waits over one belongs to a worker that is gone

    private FloorBroker(string path)
    {
        file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(128);
    }

    /// <summary>Serves until the process is killed; the port is its only output.</summary>
    public static void Run(string path)
    {
        using var broker = new FloorBroker(path);
        Console.WriteLine(((IPEndPoint)broker.listener.LocalEndPoint!).Port);
        while (true)
        {
            var socket = broker.listener.Accept();
            socket.NoDelay = true;
            new Thread(() => broker.Serve(socket)) { IsBackground = true }.Start();
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        file.Dispose();
    }

    private void Serve(Socket socket)
    {
        var buffer = new byte[BufferBytes];
        var answers = new byte[64 * 1024];
        var output = Array.Empty<byte>();
        var (start, filled) = (0, 0);
        try
        {
            while (true)
            {
                var received = socket.Receive(buffer.AsSpan(filled));
                if (received == 0)
                    return;
                filled += received;
                var answered = 0;
                while (filled - start >= sizeof(int))
                {
                    var size = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(start));
                    if (filled - start - sizeof(int) < size)
                        break;
                    var frame = buffer.AsSpan(start + sizeof(int), size);
                    start += sizeof(int) + size;
                    if (frame[0] == FloorDialect.ProduceCode)
                    {
                        BinaryPrimitives.WriteInt32BigEndian(answers.AsSpan(answered), sizeof(long));
                        BinaryPrimitives.WriteInt64BigEndian(answers.AsSpan(answered + sizeof(int)), Append(frame[1..]));
                        answered += sizeof(int) + sizeof(long);
                        continue;
                    }

                    if (frame[0] == FloorDialect.ResetCode)
                    {
                        Reset();
                        socket.Send(new byte[sizeof(int)]);
                        continue;
                    }

                    if (output.Length == 0)
                        output = new byte[BufferBytes];
                    socket.Send(Read(frame[1..], output));
                }

                if (answered > 0)
                    socket.Send(answers.AsSpan(0, answered));
                if (start < filled && buffer.Length - filled > BufferBytes / 2)
                    continue;
                buffer.AsSpan(start, filled - start).CopyTo(buffer);
                filled -= start;
                start = 0;
            }
        }
        catch (SocketException)
        {
            // The worker is done.
        }
        finally
        {
            socket.Dispose();
        }
    }

    private long Append(Span<byte> batch)
    {
        if (!new RecordBatchView(batch).IsValidCrc)
            throw new InvalidDataException("a batch has been damaged on its way");
        lock (gate)
        {
            RecordBatchHeader.SetBaseOffset(batch, nextOffset);
            RandomAccess.Write(file, batch, end);
            nextOffset += new RecordBatchView(batch).RecordCount;
            end += batch.Length;
            Monitor.PulseAll(gate);
            return end;
        }
    }

    private void Reset()
    {
        lock (gate)
        {
            RandomAccess.SetLength(file, 0);
            end = nextOffset = 0;
            resets++;
            Monitor.PulseAll(gate);
        }
    }

    private ReadOnlySpan<byte> Read(ReadOnlySpan<byte> request, byte[] output)
    {
        var position = BinaryPrimitives.ReadInt64BigEndian(request);
        var maxBytes = BinaryPrimitives.ReadInt32BigEndian(request[sizeof(long)..]);
        long available;
        lock (gate)
        {
            for (var before = resets; end <= position; Monitor.Wait(gate))
            {
                if (resets != before)
                    throw new SocketException((int)SocketError.ConnectionAborted);
            }

            available = end - position;
        }

        var count = (int)Math.Min(available, Math.Min(maxBytes, output.Length - sizeof(int)));
        BinaryPrimitives.WriteInt32BigEndian(output, count);
        RandomAccess.Read(file, output.AsSpan(sizeof(int), count), position);
        return output.AsSpan(0, sizeof(int) + count);
    }
}
