using Milena.Protocol.Messages;

namespace Milena.Protocol.Tests.Messages;

/// <summary>What a message costs is what it holds.</summary>
public class AllocationTests
{
    private static readonly byte[] Request = Bytes(
        new ProduceRequest { TopicData = [new() { Name = "topic", PartitionData = [new() { Records = new RecordBytes(new byte[1000]) }] }] },
        9);

    private static readonly ProduceResponse Response = new()
    {
        Responses =
        [
            new()
            {
                Name = "topic",
                PartitionResponses = [.. Enumerable.Range(0, 100).Select(_ => new ProduceResponse.PartitionProduceResponse())],
            },
        ],
    };

    [Fact]
    public void Decoding_allocates_the_objects_of_the_message_and_nothing_else()
    {
        // One instance of everything that the message holds, made by hand.
        var expected = Allocated(() =>
        {
            var partition = new ProduceRequest.PartitionProduceData[1];
            partition[0] = new();
            var topic = new ProduceRequest.TopicProduceData[1];
            topic[0] = new() { Name = new string('t', 5), PartitionData = partition };
            GC.KeepAlive(new ProduceRequest { TopicData = topic });
        });
        var actual = Allocated(() =>
        {
            var reader = new MessageReader(Request);
            GC.KeepAlive(ProduceRequest.Read(ref reader, 9));
        });
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Encoding_allocates_nothing_once_the_buffer_is_large_enough()
    {
        using var writer = new MessageWriter(1 << 16);
        Assert.Equal(0, Allocated(() => Response.Write(writer, 9)));
        Assert.Equal(0, Allocated(() => Response.Write(writer, 12)));
    }

    [Fact]
    public void A_struct_in_a_tagged_field_exists_only_if_it_is_set()
    {
        // Two objects of four bytes would be 24 bytes each, for every partition of every response.
        var bytes = Bytes(Response, 12);
        var perPartition = Allocated(() =>
        {
            var reader = new MessageReader(bytes);
            GC.KeepAlive(ProduceResponse.Read(ref reader, 12));
        }) / 100;
        var alone = Allocated(() => GC.KeepAlive(new ProduceResponse.PartitionProduceResponse()));
        Assert.InRange(perPartition, alone, alone + IntPtr.Size + 8);
    }

    private static byte[] Bytes(IMessage message, short version)
    {
        using var writer = new MessageWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }

    private static long Allocated(Action action)
    {
        action(); // what is made once is not counted
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
