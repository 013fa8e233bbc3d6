using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Milena.Network;

/// <summary>What a socket can be waited for.</summary>
[Flags]
internal enum SocketEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Something can be received, or the peer has ended.</summary>
    Readable = 1,

    /// <summary>Something can be sent.</summary>
    Writable = 2,
}

/// <summary>
/// The threads that wait for all sockets of the process, by Linux's epoll. A thread takes one socket that is ready, and runs what was
/// waiting for it itself: from the network card's interrupt to the answer one thread is woken, not two. Another one waits meanwhile,
/// so a request that keeps its thread busy holds up nobody else, until all threads are.
/// </summary>
/// <remarks>
/// The runtime's own sockets have one thread that waits and hands over to the thread pool; that hand-over costs about as much as
/// receiving 16 KB. A socket is told of once each time that it is asked for: otherwise every packet of a frame that is being received
/// would wake one more thread, in vain.
/// </remarks>
internal sealed class IoThreads
{
    private const int CloseOnExec = 0x80000;
    private const int AddSocket = 1;
    private const int ChangeSocket = 3;
    private const uint Readable = 0x001;
    private const uint Writable = 0x004;
    private const uint Broken = 0x008 | 0x010; // an error, or closed on both sides; told whether asked for or not
    private const uint PeerEnded = 0x2000;
    private const uint Once = 0x40000000;
    private const int InterruptedError = 4;

    // The kernel's struct is packed on x86 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 4 : 8;

    private readonly int epoll;
    private readonly int threadsMax = Math.Max(8, 2 * Environment.ProcessorCount);
    private readonly Lock growing = new();
    private PolledSocketTransport?[] sockets = new PolledSocketTransport?[256]; // by descriptor
    private int threads;
    private int waiting;

    private IoThreads()
    {
        epoll = CreateEpoll(CloseOnExec);
        if (epoll < 0)
            throw Failed("epoll_create1");
    }

    /// <summary>The process's threads; null where the system has no epoll.</summary>
    public static IoThreads? Shared { get; } = OperatingSystem.IsLinux() ? new() : null;

    /// <summary>Whether none is left to wait, so that sockets which become ready must wait themselves.</summary>
    public bool AreAllBusy => Volatile.Read(ref waiting) == 0;

    /// <summary>The share of all threads that there may be which have nothing to do just now.</summary>
    public double IdleShare => 1 - ((double)(Volatile.Read(ref threads) - Volatile.Read(ref waiting)) / threadsMax);

    /// <summary>Takes a socket on; nothing is told before it is asked for. Throws <see cref="SocketException"/>.</summary>
    public void Add(int descriptor, PolledSocketTransport transport)
    {
        lock (growing)
        {
            if (descriptor >= sockets.Length)
            {
                var larger = sockets;
                Array.Resize(ref larger, Math.Max(descriptor + 1, 2 * sockets.Length));
                Volatile.Write(ref sockets, larger);
            }

            Volatile.Write(ref sockets[descriptor], transport);
            if (threads == 0)
                Start();
        }

        if (!Control(AddSocket, descriptor, Once))
            throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
    }

    /// <summary>Tells the socket's transport once when one of these is the case, which may be now.</summary>
    public void Ask(int descriptor, SocketEvents events)
    {
        var wanted = Once;
        if ((events & SocketEvents.Readable) != 0)
            wanted |= Readable | PeerEnded;
        if ((events & SocketEvents.Writable) != 0)
            wanted |= Writable;
        Control(ChangeSocket, descriptor, wanted);
    }

    /// <summary>The transport is told nothing any more. The kernel forgets a descriptor when it is closed.</summary>
    public void Remove(int descriptor, PolledSocketTransport transport)
    {
        lock (growing)
        {
            if (sockets[descriptor] == transport)
                sockets[descriptor] = null;
        }
    }

    private void Start()
    {
        threads++;
        new Thread(Run) { IsBackground = true, Name = $"network {threads}" }.UnsafeStart();
    }

    private void Run()
    {
        Span<byte> ready = stackalloc byte[16];
        while (true)
        {
            Interlocked.Increment(ref waiting);
            var count = WaitEpoll(epoll, ref MemoryMarshal.GetReference(ready), 1, -1);
            var lastOne = Interlocked.Decrement(ref waiting) == 0;
            if (count <= 0)
            {
                if (count < 0 && Marshal.GetLastPInvokeError() != InterruptedError)
                    throw Failed("epoll_wait");
                continue;
            }

            if (lastOne)
                StartAnother();
            var happened = MemoryMarshal.Read<uint>(ready);
            var descriptor = MemoryMarshal.Read<int>(ready[DataOffset..]);
            if (Volatile.Read(ref Volatile.Read(ref sockets)[descriptor]) is not { } socket)
                continue; // closed just now
            var events = SocketEvents.None;
            if ((happened & (Writable | Broken)) != 0)
                events |= SocketEvents.Writable;
            if ((happened & (Readable | PeerEnded | Broken)) != 0)
                events |= SocketEvents.Readable;
            socket.OnEvents(events);
        }
    }

    /// <summary>So that one waits while this one is busy.</summary>
    private void StartAnother()
    {
        lock (growing)
        {
            if (threads < threadsMax && Volatile.Read(ref waiting) == 0)
                Start();
        }
    }

    private bool Control(int operation, int descriptor, uint events)
    {
        Span<byte> what = stackalloc byte[16];
        MemoryMarshal.Write(what, events);
        MemoryMarshal.Write(what[DataOffset..], (long)descriptor);
        return ControlEpoll(epoll, operation, descriptor, ref MemoryMarshal.GetReference(what)) == 0;
    }

    private static IOException Failed(string call) => new($"{call} failed with error {Marshal.GetLastPInvokeError()}");

    [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static extern int CreateEpoll(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static extern int ControlEpoll(int epoll, int operation, int descriptor, ref byte what);

    [DllImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static extern int WaitEpoll(int epoll, ref byte ready, int count, int timeoutMs);
}
