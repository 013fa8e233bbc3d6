namespace Milena.Network;

/// <summary>What came in is not a Kafka frame, or not one that may be sent here. The connection cannot go on.</summary>
internal sealed class BadFrameException(string message) : Exception(message);

/// <summary>Says what a size that cannot be one more likely is: people do point browsers and TLS clients at a Kafka port.</summary>
internal static class BadFrame
{
    public static BadFrameException Refuse(ReadOnlySpan<byte> bytes, int size, int maxBytes)
    {
        if (LooksLikeHttp(bytes[..sizeof(int)]))
            return new("it speaks HTTP, and this port speaks the Kafka protocol");
        if (bytes[0] == 0x16 && bytes[1] == 0x03)
            return new("it speaks TLS, and this listener speaks plain text");
        return size < 0
            ? new($"a frame size of {size} is negative")
            : new($"a frame of {size} bytes is larger than the {maxBytes} that are allowed");
    }

    private static bool LooksLikeHttp(ReadOnlySpan<byte> bytes) =>
        bytes.SequenceEqual("GET "u8) || bytes.SequenceEqual("POST"u8) || bytes.SequenceEqual("PUT "u8)
        || bytes.SequenceEqual("HEAD"u8) || bytes.SequenceEqual("DELE"u8) || bytes.SequenceEqual("OPTI"u8)
        || bytes.SequenceEqual("PATC"u8) || bytes.SequenceEqual("CONN"u8) || bytes.SequenceEqual("PRI "u8)
        || bytes.SequenceEqual("HTTP"u8);
}
