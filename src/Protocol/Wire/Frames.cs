using Milena.Protocol.Messages;

namespace Milena.Protocol;

/// <summary>Whole requests and responses: size prefix, header and body.</summary>
public static class Frames
{
    /// <summary>Encodes a request with the header that its version demands.</summary>
    public static OutboundFrame Request<TRequest>(TRequest request, short version, int correlationId, string? clientId)
        where TRequest : IRequest<TRequest>
    {
        using var writer = MessageWriter.ForFrame();
        var header = new RequestHeader
        {
            RequestApiKey = (short)TRequest.Key,
            RequestApiVersion = version,
            CorrelationId = correlationId,
            ClientId = clientId,
        };
        header.Write(writer, ApiTable.Get(TRequest.Key).RequestHeaderVersion(version));
        request.Write(writer, version);
        return writer.ToFrame();
    }

    /// <summary>Encodes a response with the header that its version demands.</summary>
    public static OutboundFrame Response<TResponse>(TResponse response, short version, int correlationId, IFrameObserver? observer = null)
        where TResponse : IResponse<TResponse> =>
        Response(TResponse.Key, response, version, correlationId, observer);

    /// <summary>The same where the type is not known to the caller; the response must be one of the API's.</summary>
    public static OutboundFrame Response(ApiKey key, IMessage response, short version, int correlationId, IFrameObserver? observer = null)
    {
        using var writer = MessageWriter.ForFrame();
        writer.WriteInt32(correlationId);
        if (ApiTable.Get(key).ResponseHeaderVersion(version) > 0)
            writer.WriteUnsignedVarint(0);
        response.Write(writer, version);
        return writer.ToFrame(observer);
    }

    /// <summary>Decodes the header and body of a response that arrived in a frame (without its size prefix).</summary>
    public static TResponse ReadResponse<TResponse>(ReadOnlyMemory<byte> frame, short version, out int correlationId)
        where TResponse : IResponse<TResponse>
    {
        var reader = new MessageReader(frame);
        correlationId = reader.ReadInt32();
        if (ApiTable.Get(TResponse.Key).ResponseHeaderVersion(version) > 0)
            reader.SkipTags();
        return TResponse.Read(ref reader, version);
    }
}
