using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Milena.Protocol;

namespace Milena.Network.Tests;

/// <summary>What a handler does in one test, and what it has seen.</summary>
internal sealed class TestHandler : IFrameHandler
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<Connection>> closed = new();

    /// <summary>Answers with the request's body unless the test says otherwise.</summary>
    public Func<Connection, InboundFrame, ValueTask<OutboundFrame?>> Handle { get; set; } =
        (_, frame) => new(Frames.Response(frame, Frames.Body(frame)));

    public ConcurrentQueue<Connection> Seen { get; } = new();

    public ValueTask<OutboundFrame?> HandleAsync(Connection connection, InboundFrame frame)
    {
        if (!Seen.Contains(connection))
            Seen.Enqueue(connection);
        return Handle(connection, frame);
    }

    public void OnClosed(Connection connection) => ClosedSource(connection.Id).SetResult(connection);

    /// <summary>Completes when the connection with this id (they count from 1) is gone.</summary>
    public Task<Connection> Closed(long id) => ClosedSource(id).Task;

    private TaskCompletionSource<Connection> ClosedSource(long id) =>
        closed.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}

/// <summary>A server with a fake clock, its log, and clients over memory or loopback.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private FrameListener? listener;

    public TestServer(FrameServerOptions? options = null) =>
        Server = new FrameServer(Handler, options ?? new FrameServerOptions(), Time, Log);

    public TestHandler Handler { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public LinesLogger Log { get; } = new();

    public FrameServer Server { get; }

    public FrameListener Listener => listener ??= Server.Listen(new ListenerOptions("PLAINTEXT", "127.0.0.1", 0) { Backlog = 4096 });

    /// <summary>The client's end of a new connection.</summary>
    public async Task<Transport> ConnectAsync(bool overTcp) =>
        overTcp
            ? await SocketTransport.ConnectAsync("127.0.0.1", Listener.EndPoint.Port, SocketSettings.Default)
            : Server.Connect("MEMORY");

    public async Task<ClientConnection> ClientAsync(bool overTcp) => new(await ConnectAsync(overTcp), new ClientConnectionOptions());

    public async Task<Socket> SocketAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Listener.EndPoint.Port);
        return socket;
    }

    /// <summary>Moves the clock step by step, each time letting the server do what it can, until the task is done.</summary>
    public async Task AdvanceUntil(Task task, TimeSpan step)
    {
        while (!task.IsCompleted)
        {
            Time.Advance(step);
            await Task.Yield();
        }

        await task;
    }

    public async ValueTask DisposeAsync() => await AdvanceUntil(Server.StopAsync(TimeSpan.Zero), TimeSpan.FromMilliseconds(10));
}

/// <summary>Keeps the lines of the log from information upwards.</summary>
internal sealed class LinesLogger : ILogger<FrameServer>
{
    private readonly List<string> lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> waiting = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines)
                return [.. lines];
        }
    }

    /// <summary>Completes with the first line that contains the text.</summary>
    public Task<string> Line(string text)
    {
        lock (lines)
        {
            if (lines.Find(line => line.Contains(text)) is { } line)
                return Task.FromResult(line);
            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((candidate => candidate.Contains(text), found));
            return found.Task;
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = $"{logLevel}: {formatter(state, exception)}";
        lock (lines)
        {
            lines.Add(line);
            foreach (var (_, found) in waiting.Where(one => one.Wanted(line)))
                found.TrySetResult(line);
        }
    }
}

internal static class TransportExtensions
{
    public static async Task SendAllAsync(this Transport transport, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await transport.SendAsync(bytes)..];
    }

    /// <summary>Receives so many bytes, fewer if the peer ends before.</summary>
    public static async Task<byte[]> ReceiveAllAsync(this Transport transport, int count)
    {
        var bytes = new byte[count];
        var filled = 0;
        while (filled < count)
        {
            var received = await transport.ReceiveAsync(bytes.AsMemory(filled));
            if (received == 0)
                break;
            filled += received;
        }

        return bytes[..filled];
    }

    /// <summary>Waits until the other side has ended or cut the connection.</summary>
    public static async Task EndedAsync(this Transport transport)
    {
        try
        {
            while (await transport.ReceiveAsync(new byte[1024]) > 0)
            {
            }
        }
        catch (Exception e) when (Transport.IsGone(e))
        {
            // Cut off rather than ended.
        }
    }
}
