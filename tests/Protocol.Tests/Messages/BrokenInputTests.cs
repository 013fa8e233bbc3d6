namespace Milena.Protocol.Tests.Messages;

/// <summary>
/// Whatever arrives, decoding ends in a message or in <see cref="MalformedMessageException"/>, and takes memory in
/// proportion to what has arrived.
/// </summary>
public class BrokenInputTests
{
    // An element of one byte may cost a reference and an object with a field of 24 bytes for each byte (a null in its place),
    // and a message holds a dozen fields before its first byte. The exception itself takes what it takes.
    private const int BytesPerByte = 96;
    private const int BytesForMessageAndException = 8 * 1024;

    private readonly Random random = new(4242);

    [Fact]
    public void Truncated_messages_are_refused()
    {
        ForAllMessages((schema, version, bytes) =>
        {
            var step = Math.Max(1, bytes.Length / 100);
            for (var length = 0; length < bytes.Length; length += step)
            {
                var cut = bytes.AsMemory(0, length).ToArray();
                Assert.True(Decode(schema, version, cut) is null, $"{schema} {version} was read from {length} of {bytes.Length} bytes");
            }
        });
    }

    [Fact]
    public void Messages_with_a_changed_byte_are_read_or_refused()
    {
        ForAllMessages((schema, version, bytes) =>
        {
            for (var i = 0; i < 60 && bytes.Length > 0; i++)
            {
                var position = random.Next(bytes.Length);
                var before = bytes[position];
                bytes[position] = i % 3 == 0 ? (byte)0xFF : (byte)random.Next(256);
                Decode(schema, version, bytes);
                bytes[position] = before;
            }
        });
    }

    [Fact]
    public void Random_bytes_are_read_or_refused()
    {
        foreach (var (schema, version) in Schemas.AllVersions)
        {
            for (var i = 0; i < 40; i++)
            {
                var bytes = new byte[random.Next(200)];
                random.NextBytes(bytes);

                // Small numbers look like lengths and counts that hold, and lead deeper than noise does.
                if (i % 2 == 0)
                {
                    for (var at = 0; at < bytes.Length; at++)
                        bytes[at] = (byte)random.Next(4);
                }
                Decode(schema, version, bytes);
            }
        }
    }

    [Fact]
    public void Many_small_elements_take_memory_in_proportion_to_their_bytes()
    {
        // Zeros are the smallest element of almost everything; 4096 of them behind a count that fits.
        foreach (var (schema, version) in Schemas.AllVersions)
        {
            for (var lead = 0; lead < 24; lead++)
            {
                var bytes = new byte[4096];
                for (var at = 0; at < lead; at++)
                    bytes[at] = (byte)random.Next(3);
                bytes[lead] = (byte)random.Next(0x80, 0x100);
                bytes[lead + 1] = (byte)random.Next(0x10);
                Decode(schema, version, bytes);
            }
        }
    }

    private void ForAllMessages(Action<MessageSchema, short, byte[]> check)
    {
        var messages = new RandomMessages(random);
        foreach (var (schema, version) in Schemas.AllVersions)
            check(schema, version, MessageSchema.Write(messages.Next(schema, version), version));
    }

    private static IMessage? Decode(MessageSchema schema, short version, byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        IMessage? message = null;
        try
        {
            message = schema.Read(bytes, version);
        }
        catch (MalformedMessageException)
        {
            // The one answer to what cannot be read.
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(
            allocated <= BytesForMessageAndException + (long)BytesPerByte * bytes.Length,
            $"{schema} {version} took {allocated} bytes for {bytes.Length}: {Convert.ToHexString(bytes.AsSpan(0, Math.Min(64, bytes.Length)))}");
        return message;
    }
}
