using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Milena.Bench.Measuring;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Processes;

/// <summary>A Milena broker in a process of its own, on its own directory.</summary>
internal sealed class MilenaProcess : IBroker
{
    private readonly string directory;
    private readonly Child child;
    private string? topic;
    private int topics;

    public MilenaProcess(string program, string directory, params string[] overrides)
    {
        this.directory = directory;
        Port = FreePort();
        string[] all =
        [
            $"listeners=PLAINTEXT://127.0.0.1:{Port}", $"log.dirs={directory}/data", "log.segment.delete.delay.ms=0", .. overrides,
        ];
        child = new(program, ["server", .. all.SelectMany(one => new[] { "--override", one })], Path.Combine(directory, "stderr"));
    }

    public string Dialect => "kafka";

    public int Port { get; }

    public int ProcessId => child.Id;

    public double CpuSeconds => child.CpuSeconds;

    public TimeSpan Age => Stopwatch.GetElapsedTime(child.StartedAt);

    /// <summary>Waits until it accepts connections; returns how old it was then.</summary>
    public TimeSpan WaitUntilAccepting()
    {
        while (true)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, Port);
                return Age;
            }
            catch (SocketException) when (!child.HasExited && Age < TimeSpan.FromMinutes(2))
            {
                Thread.Sleep(1);
            }
        }
    }

    public string NewTopic(long expectedBytes) => NewTopic(expectedBytes, partitions: 1);

    /// <inheritdoc cref="NewTopic(long)"/>
    public string NewTopic(long expectedBytes, int partitions)
    {
        if (topic is not null)
            Ask<DeleteTopicsRequest, DeleteTopicsResponse>(new() { TopicNames = [topic], TimeoutMs = 30_000 }, version: 5);
        PageCache.AwaitDeletions(Path.Combine(directory, "data"));
        PageCache.Warm(directory, expectedBytes);
        return topic = CreateTopic($"bench-{++topics}", partitions);
    }

    public string CreateTopic(string name, int partitions)
    {
        var request = new CreateTopicsRequest
        {
            TimeoutMs = 60_000,
            Topics = [new() { Name = name, NumPartitions = partitions, ReplicationFactor = 1 }],
        };
        var created = Ask<CreateTopicsRequest, CreateTopicsResponse>(request, version: 5);
        if (created.Topics[0].ErrorCode != ErrorCode.None)
            throw new InvalidDataException($"creating topic {name} failed: {created.Topics[0].ErrorCode} {created.Topics[0].ErrorMessage}");
        return name;
    }

    /// <summary>Asks for the topic, which creates it if need be, and appends a record that is acknowledged by all.</summary>
    public void ProduceOne(string name)
    {
        var metadata = new MetadataRequest { Topics = [new() { Name = name }], AllowAutoTopicCreation = true };
        while (Ask<MetadataRequest, MetadataResponse>(metadata, version: 8).Topics[0].ErrorCode != ErrorCode.None)
            Thread.Sleep(1);
        var request = new ProduceRequest
        {
            Acks = -1,
            TimeoutMs = 30_000,
            TopicData =
            [
                new()
                {
                    Name = name,
                    PartitionData = [new() { Index = 0, Records = new RecordBytes(Wire.Batches.Encode(0, 100, count: 1)) }],
                },
            ],
        };
        while (true)
        {
            var response = Ask<ProduceRequest, ProduceResponse>(request, version: 9);
            var error = response.Responses[0].PartitionResponses[0].ErrorCode;
            if (error == ErrorCode.None)
                return;
            if (Age > TimeSpan.FromMinutes(2))
                throw new InvalidDataException($"the broker answered {error}");
            Thread.Sleep(1);
        }
    }

    /// <summary>One request on a connection of its own.</summary>
    public TResponse Ask<TRequest, TResponse>(TRequest request, short version)
        where TRequest : IRequest<TRequest>
        where TResponse : IResponse<TResponse>
    {
        return AskAsync().GetAwaiter().GetResult();

        async Task<TResponse> AskAsync()
        {
            await using var client = await ClientConnection.ConnectAsync("127.0.0.1", Port, new ClientConnectionOptions());
            using var response = await client.SendAsync(Frames.Request(request, version, client.NextCorrelationId(), "bench"));
            return Frames.ReadResponse<TResponse>(response.Bytes.ToArray(), version, out _);
        }
    }

    /// <summary>An orderly stop.</summary>
    public void Terminate() => child.Terminate();

    public void Dispose() => child.Dispose();

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
