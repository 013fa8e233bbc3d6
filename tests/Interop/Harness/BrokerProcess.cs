using System.Net;
using System.Net.Sockets;

namespace Milena.Interop.Harness;

/// <summary>
/// A Milena of the test's own, in a process of its own, on a free port of the loopback and in a new directory. It can be
/// killed, stopped and started again on the same port and directory; disposing removes every trace.
/// </summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    /// <summary>For one who looks for a fault: where the lines of all brokers go as well.</summary>
    private static readonly string? LogFile = Environment.GetEnvironmentVariable("MILENA_TEST_BROKER_LOG");

    private readonly string directory = Directory.CreateTempSubdirectory("milena-").FullName;
    private readonly IReadOnlyDictionary<string, string> overrides;
    private readonly Lock gate = new();
    private readonly List<string> log = [];
    private ChildProcess? process;
    private TaskCompletionSource ready = new();

    private BrokerProcess(IReadOnlyDictionary<string, string> overrides)
    {
        this.overrides = overrides;
        Port = FreePort();
    }

    public int Port { get; }

    /// <summary>As clients are told of it.</summary>
    public string Bootstrap => $"127.0.0.1:{Port}";

    /// <summary>Where the broker keeps its logs.</summary>
    public string DataDirectory => Path.Combine(directory, "data");

    public int ProcessId => process!.Id;

    /// <summary>Everything it has printed since the first start, banner and log alike.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (gate)
                return [.. log];
        }
    }

    /// <summary>Starts a broker; overrides are names of <c>server.properties</c>, their values may hold <c>{port}</c>.</summary>
    public static async Task<BrokerProcess> Start(params (string Name, string Value)[] overrides)
    {
        var broker = new BrokerProcess(overrides.ToDictionary(pair => pair.Name, pair => pair.Value));
        try
        {
            await broker.StartAgain();
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
        return broker;
    }

    /// <summary>Starts it, after a stop or a kill, where it was.</summary>
    public async Task StartAgain()
    {
        ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process = ChildProcess.Start("the broker", Executable.Path, Arguments(), OnLine, OnLine, directory: directory);
        await Task.WhenAny(ready.Task, process.Ended).WaitAsync(Deadline.Default);
        if (!ready.Task.IsCompleted)
            throw new InvalidOperationException($"{Executable.Path} did not start:\n{string.Join('\n', Log)}");
    }

    /// <summary>SIGTERM, and the exit code it ends with.</summary>
    public Task<int> Stop()
    {
        process!.Terminate();
        return process.Exit(Deadline.Default);
    }

    /// <summary>kill -9.</summary>
    public Task Kill()
    {
        process!.Kill();
        return process.Exit(Deadline.Default);
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await process.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private IEnumerable<string> Arguments()
    {
        var settings = new Dictionary<string, string>
        {
            ["listeners"] = $"PLAINTEXT://{Bootstrap}",
            ["log.dirs"] = DataDirectory,
            ["group.initial.rebalance.delay.ms"] = "0", // members of a test all come at once, or one by one on purpose
        };
        foreach (var (name, value) in overrides)
            settings[name] = value.Replace("{port}", $"{Port}");
        return ["server", .. settings.SelectMany(pair => new[] { "--override", $"{pair.Key}={pair.Value}" })];
    }

    private void OnLine(string line)
    {
        lock (gate)
        {
            log.Add(line);
            if (LogFile is not null)
                File.AppendAllText(LogFile, $"{Port} {line}\n");
        }
        if (line.StartsWith("Ready in ", StringComparison.Ordinal))
            ready.TrySetResult();
    }
}
