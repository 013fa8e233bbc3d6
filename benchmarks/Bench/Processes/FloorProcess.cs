using System.Globalization;
using Milena.Bench.Measuring;
using Milena.Bench.Wire;

namespace Milena.Bench.Processes;

/// <summary>The floor's broker.</summary>
internal sealed class FloorProcess : IBroker
{
    private readonly string directory;
    private readonly Child child;

    public FloorProcess(string directory)
    {
        this.directory = directory;
        child = new(Environment.ProcessPath!, ["floor", Path.Combine(directory, "floor.log")]);
        Port = int.Parse(child.ReadLine(), CultureInfo.InvariantCulture);
    }

    public string Dialect => "floor";

    public int Port { get; }

    public int ProcessId => child.Id;

    public double CpuSeconds => child.CpuSeconds;

    public string NewTopic(long expectedBytes)
    {
        using var stream = new FrameStream(Port);
        stream.Send([0, 0, 0, 1, FloorDialect.ResetCode]);
        stream.Receive();
        PageCache.Warm(directory, expectedBytes);
        return "floor";
    }

    public void Dispose() => child.Dispose();
}
