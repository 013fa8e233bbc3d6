using System.Buffers;
using System.Buffers.Binary;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests;

/// <summary>A client that sends any request in any version, and decodes the answer to its last byte.</summary>
internal sealed class TestClient(Transport transport, string? clientId) : IAsyncDisposable
{
    /// <summary>A test that hangs is a test that fails; nothing here takes a second.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ClientConnection connection = new(transport, new ClientConnectionOptions());

    /// <summary>Completes when the broker has closed the connection.</summary>
    public Task Ended => connection.Ended;

    /// <summary>Sends and returns the response; in the newest served version unless the test says otherwise.</summary>
    public async Task<TResponse> Send<TRequest, TResponse>(
        IRequest<TRequest, TResponse> request, int? version = null, CancellationToken cancellation = default)
        where TRequest : IRequest<TRequest>, IRequest<TRequest, TResponse>
        where TResponse : class, IResponse<TResponse>
    {
        var chosen = (short)(version ?? ApiTable.Get(TRequest.Key).Versions.Max);
        var frame = Frames.Request((TRequest)request, chosen, connection.NextCorrelationId(), clientId);
        using var response = await connection.SendAsync(frame, cancellation).AsTask().WaitAsync(Patience, CancellationToken.None);
        return Decode<TResponse>(response.Bytes.ToArray(), chosen);
    }

    /// <summary>Sends what has no answer.</summary>
    public ValueTask SendOneWay<TRequest>(TRequest request, int? version = null)
        where TRequest : IRequest<TRequest> =>
        connection.SendOneWayAsync(Frames.Request(
            request, (short)(version ?? ApiTable.Get(TRequest.Key).Versions.Max), connection.NextCorrelationId(), clientId));

    /// <summary>
    /// Sends a frame of the test's making: what stands behind the correlation id. Returns the answer's bytes behind that id.
    /// </summary>
    public async Task<byte[]> SendRaw(short key, short version, ReadOnlyMemory<byte> headerRestAndBody)
    {
        var length = 12 + headerRestAndBody.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        BinaryPrimitives.WriteInt32BigEndian(buffer, length - 4);
        BinaryPrimitives.WriteInt16BigEndian(buffer.AsSpan(4), key);
        BinaryPrimitives.WriteInt16BigEndian(buffer.AsSpan(6), version);
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(8), connection.NextCorrelationId());
        headerRestAndBody.Span.CopyTo(buffer.AsSpan(12));
        using var response = await connection.SendAsync(new OutboundFrame(buffer, length)).AsTask().WaitAsync(Patience);
        return response.Bytes.ToArray()[4..];
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static TResponse Decode<TResponse>(byte[] frame, short version)
        where TResponse : class, IResponse<TResponse>
    {
        var reader = new MessageReader(frame);
        reader.ReadInt32();
        if (ApiTable.Get(TResponse.Key).ResponseHeaderVersion(version) > 0)
            reader.SkipTags();
        var response = TResponse.Read(ref reader, version);
        Assert.Equal(0, reader.Remaining);
        return response;
    }
}
