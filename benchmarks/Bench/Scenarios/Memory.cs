using System.Net;
using System.Net.Sockets;
using Milena.Bench.Measuring;

namespace Milena.Bench.Scenarios;

/// <summary>P17, P18 and the cost of connections that say nothing.</summary>
internal static class Memory
{
    private const int IdleConnections = 5000;

    public static void Run(BenchContext context)
    {
        using var broker = context.StartMilena();
        broker.ProduceOne("idle");
        Settle();
        var idle = ProcessMeter.ResidentBytes(broker.ProcessId);
        context.Report.Figure("resident MB, idle", [idle / 1e6], Goal.AtMost(40));

        var clients = new List<Socket>();
        for (var i = 0; i < IdleConnections; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, broker.Port);
            clients.Add(socket);
        }

        Settle();
        var each = (ProcessMeter.ResidentBytes(broker.ProcessId) - idle) / (double)IdleConnections;
        context.Report.Figure($"bytes more for each of {IdleConnections:N0} idle connections", [each], Goal.AtMost(4096));
        foreach (var client in clients)
            client.Dispose();

        var total = context.Quick ? 500L << 20 : 2000L << 20;
        foreach (var batchBytes in new[] { 128 * 1024, 1 << 20 })
            Produced.Measure(broker, batchBytes, 1000, total, out _);
        var peak = ProcessMeter.PeakResidentBytes(broker.ProcessId);
        context.Report.Figure("resident MB at most, at full load", [peak / 1e6], Goal.AtMost(250));

        static void Settle() => Thread.Sleep(1500);
    }
}
