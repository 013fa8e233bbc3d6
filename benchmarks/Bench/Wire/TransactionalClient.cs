using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Bench.Wire;

/// <summary>
/// A producer on a connection of its own that writes the same batch again and again: plainly, idempotently, or in transactions of
/// version 2 (KIP-890). Whatever it is, it writes sequence and CRC into the batch each time, so that the work is the same.
/// </summary>
internal sealed class TransactionalClient : IDisposable
{
    private const short ProduceVersion = 12;
    private const short EndVersion = 5;

    private readonly FrameStream stream;
    private readonly string? transactionalId;
    private readonly byte[] request;
    private readonly int batchAt;
    private readonly int batchLength;
    private readonly int records;
    private readonly bool isPlain;
    private long producerId = -1;
    private short epoch = -1;
    private int sequence;

    /// <param name="port">The broker's.</param>
    /// <param name="topic">Where it writes, partition 0.</param>
    /// <param name="kind">plain, idempotent or transactional.</param>
    /// <param name="transactionalId">Its name if it is the last.</param>
    /// <param name="batch">What it writes.</param>
    public TransactionalClient(int port, string topic, string kind, string transactionalId, byte[] batch)
    {
        stream = new FrameStream(port);
        isPlain = kind == "plain";
        this.transactionalId = kind == "transactional" ? transactionalId : null;
        if (!isPlain)
            Introduce();
        var view = new RecordBatchView(batch);
        records = view.RecordCount;
        batchLength = batch.Length;
        Stamp(batch);
        request = KafkaDialect.Bytes(Frames.Request(
            new ProduceRequest
            {
                TransactionalId = this.transactionalId,
                Acks = -1,
                TimeoutMs = 30_000,
                TopicData = [new() { Name = topic, PartitionData = [new() { Index = 0, Records = new RecordBytes(batch) }] }],
            },
            ProduceVersion, 1, "bench"));
        batchAt = request.AsSpan().IndexOf(batch);
    }

    /// <summary>Sends the batch once more, with the sequence that is due.</summary>
    public void Send()
    {
        Stamp(request.AsSpan(batchAt, batchLength));
        sequence += records;
        stream.Send(request);
    }

    /// <summary>Takes one acknowledgement, and says whether more are here already.</summary>
    public bool Receive()
    {
        var read = Frames.ReadResponse<ProduceResponse>(stream.Receive(), ProduceVersion, out _);
        Check(read.Responses[0].PartitionResponses[0].ErrorCode);
        return stream.HasFrame;
    }

    /// <summary>Ends the transaction; with the answer, the next one has an epoch of its own.</summary>
    public void Commit()
    {
        var end = Ask<EndTxnRequest, EndTxnResponse>(
            new() { TransactionalId = transactionalId!, ProducerId = producerId, ProducerEpoch = epoch, Committed = true }, EndVersion);
        Check(end.ErrorCode);
        if (end.ProducerId != producerId)
            throw new InvalidDataException("the producer has another id now, which this client does not expect");
        (epoch, sequence) = (end.ProducerEpoch, 0);
    }

    public void Dispose() => stream.Dispose();

    // A coordinator that is still coming up asks for patience.
    private void Introduce()
    {
        while (true)
        {
            if (transactionalId is not null)
                Ask<FindCoordinatorRequest, FindCoordinatorResponse>(new() { KeyType = 1, CoordinatorKeys = [transactionalId] }, 4);
            var told = Ask<InitProducerIdRequest, InitProducerIdResponse>(
                new() { TransactionalId = transactionalId, TransactionTimeoutMs = 60_000 }, 4);
            (producerId, epoch) = (told.ProducerId, told.ProducerEpoch);
            if (told.ErrorCode == ErrorCode.None)
                return;
            if (told.ErrorCode is not (ErrorCode.CoordinatorLoadInProgress or ErrorCode.CoordinatorNotAvailable or ErrorCode.NotCoordinator
                or ErrorCode.ConcurrentTransactions))
                Check(told.ErrorCode);
            Thread.Sleep(10);
        }
    }

    private void Stamp(Span<byte> batch) => RecordBatchHeader.SetProducer(
        batch, producerId, epoch, isPlain ? -1 : sequence, transactional: transactionalId is not null);

    private TResponse Ask<TRequest, TResponse>(TRequest asked, short version)
        where TRequest : IRequest<TRequest>
        where TResponse : IResponse<TResponse>
    {
        stream.Send(KafkaDialect.Bytes(Frames.Request(asked, version, 1, "bench")));
        return Frames.ReadResponse<TResponse>(stream.Receive(), version, out _);
    }

    private static void Check(ErrorCode error)
    {
        if (error != ErrorCode.None)
            throw new InvalidDataException($"the broker answered {error}");
    }
}
