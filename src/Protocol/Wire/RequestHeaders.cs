using Milena.Protocol.Messages;

namespace Milena.Protocol;

/// <summary>The eight bytes at the start of every request, whatever its version.</summary>
/// <param name="ApiKey">The number of the API, which need not be a known one.</param>
/// <param name="ApiVersion">The version of the body.</param>
/// <param name="CorrelationId">What the response repeats.</param>
public readonly record struct RequestPrefix(short ApiKey, short ApiVersion, int CorrelationId)
{
    /// <summary>The number of bytes.</summary>
    public const int Size = 8;

    /// <summary>Looks at the start of a frame (without its size prefix).</summary>
    public static RequestPrefix Peek(ReadOnlyMemory<byte> frame)
    {
        var reader = new MessageReader(frame);
        return new(reader.ReadInt16(), reader.ReadInt16(), reader.ReadInt32());
    }
}

/// <summary>Reads the header of a request, whose version follows from the API and the version that it announces.</summary>
public static class RequestHeaders
{
    /// <summary>
    /// Reads the header and leaves the reader at the body. An API or version that is not in <see cref="ApiTable"/> makes
    /// the frame malformed, since even its header cannot be read for certain.
    /// </summary>
    /// <remarks>
    /// The exception is ApiVersions: a client that asks in a version from the future is told what there is (KIP-511). Its
    /// header reads as version 1, for the client id stands at the same place in all of them; the reader is then not at a
    /// body, and <see cref="ApiInfo.AllVersions"/> does not contain the header's version.
    /// </remarks>
    public static RequestHeader Read(ref MessageReader reader, out ApiInfo api)
    {
        var start = reader;
        var key = start.ReadInt16();
        var version = start.ReadInt16();
        if (!ApiTable.TryGet(key, out var info))
            throw new MalformedMessageException($"no API has the key {key}");
        api = info;
        if (info.AllVersions.Contains(version))
            return RequestHeader.Read(ref reader, info.RequestHeaderVersion(version));
        if (info.Key == ApiKey.ApiVersions)
            return RequestHeader.Read(ref reader, 1);
        throw new MalformedMessageException($"{info.Name} has no version {version}");
    }
}
