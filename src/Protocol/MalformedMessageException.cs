namespace Milena.Protocol;

/// <summary>
/// Bytes from a peer or a disk are not what they claim to be. The only exception that decoding throws; where a caller must tell one
/// fault from the others, that has its own class.
/// </summary>
public class MalformedMessageException : Exception
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

    internal static MalformedMessageException At(int position, string what) => new($"{what} (at byte {position})");

    internal static MalformedMessageException Null(string what) => new($"null for a {what} that may not be null");

    internal static MalformedMessageException NoSuchVersion(string message, short version) => new($"{message} has no version {version}");
}
