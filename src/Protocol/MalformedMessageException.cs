namespace Milena.Protocol;

/// <summary>Bytes from a peer or a disk are not what they claim to be. The only exception that decoding throws.</summary>
public sealed class MalformedMessageException : Exception
{
    /// <param name="message">What is wrong, for the log.</param>
    public MalformedMessageException(string message)
        : base(message)
    {
    }

    /// <param name="message">What is wrong, for the log.</param>
    /// <param name="innerException">What a codec's library said.</param>
    public MalformedMessageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
