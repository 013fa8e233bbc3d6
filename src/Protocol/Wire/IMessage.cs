namespace Milena.Protocol;

/// <summary>Something that can be written in the protocol's encoding.</summary>
public interface IMessage
{
    /// <summary>
    /// Appends the body in a version that the message has. Throws <see cref="UnsupportedFieldException"/> if a field that
    /// may not be dropped cannot be expressed in it.
    /// </summary>
    void Write(MessageWriter writer, short version);
}

/// <summary>A message of the protocol: a request, a response, a header, a record or the data of a field.</summary>
public interface IMessage<TSelf> : IMessage
    where TSelf : IMessage<TSelf>
{
    /// <summary>All versions of the schema.</summary>
    static abstract VersionRange Versions { get; }

    /// <summary>Whether the version has compact lengths and tagged fields (KIP-482).</summary>
    static abstract bool IsFlexible(short version);

    /// <summary>Decodes a body; throws nothing but <see cref="MalformedMessageException"/>. Fields of bytes are slices of what is read.</summary>
    static abstract TSelf Read(ref MessageReader reader, short version);
}

/// <summary>A request.</summary>
public interface IRequest<TSelf> : IMessage<TSelf>
    where TSelf : IRequest<TSelf>
{
    /// <summary>The API that it asks.</summary>
    static abstract ApiKey Key { get; }
}

/// <summary>A request together with the response that answers it.</summary>
public interface IRequest<TSelf, TResponse> : IRequest<TSelf>
    where TSelf : IRequest<TSelf>
    where TResponse : IResponse<TResponse>;

/// <summary>A response.</summary>
public interface IResponse<TSelf> : IMessage<TSelf>
    where TSelf : IResponse<TSelf>
{
    /// <summary>The API that answers.</summary>
    static abstract ApiKey Key { get; }

    /// <summary>Shows every error code in it, those of parts of parts too.</summary>
    void CountErrors(IErrorCounter errors);

    /// <summary>The answer that says nothing but an error of everything that was asked; null if the version has no place for one.</summary>
    static abstract TSelf? OfError(ErrorCode error, short version);
}

/// <summary>A response that can say for how long its client is throttled.</summary>
public interface IThrottledResponse
{
    /// <summary>For so long, in milliseconds, the client is not listened to; 0 for not at all. Dropped in versions without it.</summary>
    int ThrottleTimeMs { get; set; }
}
