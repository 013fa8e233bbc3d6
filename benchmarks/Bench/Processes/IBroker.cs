namespace Milena.Bench.Processes;

/// <summary>What a scenario compares: the floor, or a broker.</summary>
internal interface IBroker : IDisposable
{
    string Dialect { get; }

    int Port { get; }

    int ProcessId { get; }

    double CpuSeconds { get; }

    /// <summary>
    /// An empty log to write to, of which this is the name, and memory for so many bytes; what was written before is gone.
    /// </summary>
    string NewTopic(long expectedBytes);
}
