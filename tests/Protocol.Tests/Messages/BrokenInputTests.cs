using Milena.Protocol.Messages;

namespace Milena.Protocol.Tests.Messages;

/// <summary>
/// Whatever arrives, decoding ends in a message or in <see cref="MalformedMessageException"/>, and takes memory in
/// proportion to what has arrived.
/// </summary>
public class BrokenInputTests
{
    // The smallest element of an array takes two bytes and becomes a reference and an object of a few fields. What does not
    // depend on the input is the message itself, all of whose fields may be absent, and the exception.
    private const int BytesPerByte = 40;
    private const int BytesForMessageAndException = 4 * 1024;

    private readonly Random random = new(4242);

    [Fact]
    public void Truncated_messages_are_refused()
    {
        ForAllMessages((schema, version, bytes) =>
        {
            var step = Math.Max(1, bytes.Length / 60);
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
    public void Many_elements_as_small_as_they_can_be_take_memory_in_proportion_to_their_bytes()
    {
        foreach (var (schema, version) in Schemas.AllVersions)
        {
            foreach (var message in WideMessages.Of(schema, version))
                Assert.NotNull(Decode(schema, version, MessageSchema.Write(message, version)));
        }
    }

    [Fact]
    public void Counts_and_lengths_that_lie_are_refused_before_anything_is_allocated()
    {
        byte[][] claims =
        [
            [0x7F, 0xFF, 0xFF, 0xFF], // an int32 count
            [0x00, 0x10, 0x00, 0x00],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x07], // compact counts
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [0x80, 0x80, 0x40],
        ];
        ForAllMessages((schema, version, bytes) =>
        {
            foreach (var claim in claims)
            {
                var step = Math.Max(1, bytes.Length / 16);
                for (var at = 0; at + claim.Length <= bytes.Length; at += step)
                {
                    var lying = bytes.ToArray();
                    claim.CopyTo(lying, at);
                    Decode(schema, version, lying);
                }
            }
        });
    }

    [Fact]
    public void Records_and_files_of_random_bytes_are_read_or_refused()
    {
        Action<byte[]>[] readers =
        [
            bytes => MetadataRecords.Read(bytes),
            bytes => RemoteLogRecords.Read(bytes),
            bytes => GroupRecords.ReadKey(bytes),
            bytes => GroupRecords.ReadValue((short)random.Next(24), bytes),
            bytes => ShareRecords.ReadKey(bytes),
            bytes => ShareRecords.ReadValue((short)random.Next(3), bytes),
            bytes => TransactionRecords.ReadKey(bytes),
            bytes => TransactionRecords.ReadValue(0, bytes),
            bytes => ControlRecords.ReadKey(bytes),
            bytes => ControlRecords.ReadValue((ControlRecordType)random.Next(8), bytes),
            bytes => ProducerSnapshots.Read(bytes),
            bytes => VersionedData.Read<ConsumerProtocolSubscription>(bytes),
            bytes => QuorumStates.Read(bytes, out _),
            bytes => QuorumStates.Read(Damaged(bytes), out _),
            ReadHeader,
        ];
        foreach (var read in readers)
        {
            for (var i = 0; i < 2000; i++)
            {
                var bytes = new byte[random.Next(80)];
                random.NextBytes(bytes);
                for (var at = 0; at < bytes.Length && i % 2 == 0; at++)
                    bytes[at] &= 3;
                try
                {
                    read(bytes);
                }
                catch (MalformedMessageException)
                {
                    // The one answer to what cannot be read.
                }
            }
        }

        static void ReadHeader(byte[] bytes)
        {
            var reader = new MessageReader(bytes);
            RequestHeaders.Read(ref reader, out _);
        }

        byte[] Damaged(byte[] noise)
        {
            var file = QuorumStates.Write(new() { LeaderId = 1, LeaderEpoch = 6 }, (short)random.Next(2));
            noise.AsSpan(0, Math.Min(noise.Length, 3)).CopyTo(file.AsSpan(random.Next(file.Length - 3)));
            return file;
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
