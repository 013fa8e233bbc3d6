using Milena.Protocol.Messages;

namespace Milena.Protocol.Tests.Messages;

public class MessageWriterTests
{
    [Theory]
    [InlineData(0u, "00")]
    [InlineData(127u, "7F")]
    [InlineData(128u, "8001")]
    [InlineData(300u, "AC02")]
    [InlineData(16384u, "808001")]
    [InlineData(uint.MaxValue, "FFFFFFFF0F")]
    public void An_unsigned_varint_takes_as_few_bytes_as_possible(uint value, string hex) =>
        Assert.Equal(hex, Hex(writer => writer.WriteUnsignedVarint(value)));

    [Fact]
    public void A_string_of_more_than_32767_bytes_cannot_be_written()
    {
        Assert.Equal(2 + 32767, Hex(writer => writer.WriteString(new string('x', 32767), false)).Length / 2);
        Assert.Throws<UnsupportedFieldException>(() => Hex(writer => writer.WriteString(new string('x', 32768), false)));
        Assert.Throws<UnsupportedFieldException>(() => Hex(writer => writer.WriteString(new string('é', 16384), true)));
    }

    [Fact]
    public void A_field_that_the_version_lacks_is_dropped_if_that_is_allowed()
    {
        var response = new ProduceResponse { ThrottleTimeMs = 7 };
        Assert.Equal("00000000", Hex(writer => response.Write(writer, 0)));
        Assert.Equal("00000000" + "00000007", Hex(writer => response.Write(writer, 1)));
    }

    [Fact]
    public void A_field_that_the_version_lacks_is_an_error_if_it_may_not_be_dropped()
    {
        var request = new InitProducerIdRequest { ProducerId = 5 };
        var error = Assert.Throws<UnsupportedFieldException>(() => Hex(writer => request.Write(writer, 2)));
        Assert.Contains("InitProducerIdRequest.ProducerId", error.Message, StringComparison.Ordinal);
        Hex(writer => request.Write(writer, 3));

        // The same goes for tagged fields, for structs, and for a null that the version does not know.
        var produced = new ProduceResponse { NodeEndpoints = [new()] };
        Assert.Throws<UnsupportedFieldException>(() => Hex(writer => produced.Write(writer, 9)));
        var redirected = new ProduceResponse
        {
            Responses = [new() { PartitionResponses = [new() { CurrentLeader = new() { LeaderId = 1 } }] }],
        };
        Assert.Throws<UnsupportedFieldException>(() => Hex(writer => redirected.Write(writer, 9)));
        Assert.Throws<UnsupportedFieldException>(() => Hex(writer => new MetadataRequest { Topics = null }.Write(writer, 0)));
    }

    [Fact]
    public void The_client_id_keeps_its_short_length_in_a_flexible_header()
    {
        var header = new RequestHeader { RequestApiKey = 0, RequestApiVersion = 9, CorrelationId = 1, ClientId = "ab" };
        Assert.Equal("0000" + "0009" + "00000001" + "00026162" + "00", Hex(writer => header.Write(writer, 2)));
    }

    [Fact]
    public void A_nullable_struct_says_in_one_byte_whether_it_is_there()
    {
        var response = new DescribeTopicPartitionsResponse();
        Assert.Equal("00000000" + "01" + "FF" + "00", Hex(writer => response.Write(writer, 0)));
        response.NextCursor = new();
        Assert.Equal("00000000" + "01" + "01" + "01" + "00000000" + "00" + "00", Hex(writer => response.Write(writer, 0)));
    }

    [Fact]
    public void A_tagged_nullable_struct_says_it_in_its_payload()
    {
        var value = new ConsumerGroupMemberMetadataValue { ClassicMemberMetadata = new() { SessionTimeoutMs = 5 } };
        Assert.EndsWith("01" + "0007" + "01" + "00000005" + "01" + "00", Hex(writer => value.Write(writer, 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tagged_field_that_is_null_though_its_default_is_not_is_written_as_one_zero_byte()
    {
        var group = new StreamsGroupMetadataValue { LastAssignmentConfigs = null };
        Assert.EndsWith("01" + "010100", Hex(writer => group.Write(writer, 0)), StringComparison.Ordinal);
        var member = new ConsumerGroupMemberMetadataValue { ClassicMemberMetadata = null };
        Assert.EndsWith("01" + "000100", Hex(writer => member.Write(writer, 0)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(42)] // 127 bytes of payload
    [InlineData(43)]
    [InlineData(6000)] // a size of three bytes, and a buffer that grows
    public void The_size_of_a_tagged_payload_stands_before_it(int features)
    {
        var response = new ApiVersionsResponse
        {
            FinalizedFeatures =
            [
                .. Enumerable.Range(0, features).Select(level => new ApiVersionsResponse.FinalizedFeatureKey { MaxVersionLevel = (short)level }),
            ],
            ZkMigrationReady = true,
        };
        using var writer = new MessageWriter(16);
        response.Write(writer, 3);
        var reader = new MessageReader(writer.ToArray());
        var again = ApiVersionsResponse.Read(ref reader, 3);
        reader.ExpectEnd();
        Assert.Equal(features, again.FinalizedFeatures.Length);
        Assert.Equal(features - 1, again.FinalizedFeatures[^1].MaxVersionLevel);
        Assert.True(again.ZkMigrationReady);
    }

    [Fact]
    public void Tagged_fields_of_a_later_release_are_kept_in_a_record_and_passed_over_in_a_request()
    {
        // Tags 0 and 1 are known; 7 is not.
        var bytes = Convert.FromHexString("00000001" + "0000000000000002" + "02" + "000400000003" + "0702ABCD");
        var reader = new MessageReader(bytes);
        var group = StreamsGroupMetadataValue.Read(ref reader, 0);
        Assert.Equal(3, group.ValidatedTopologyEpoch);
        Assert.Equal(1u, group.UnknownTags!.Count);
        Assert.Equal(Convert.ToHexString(bytes), Hex(writer => group.Write(writer, 0)));

        reader = new MessageReader(Convert.FromHexString("01" + "0702ABCD"));
        var request = ListGroupsRequest.Read(ref reader, 3);
        Assert.Equal("00", Hex(writer => request.Write(writer, 3)));
    }

    [Fact]
    public void A_disposed_writer_writes_nothing_more()
    {
        var writer = new MessageWriter();
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.WriteInt32(1));
    }

    private static string Hex(Action<MessageWriter> write)
    {
        using var writer = new MessageWriter();
        write(writer);
        return Convert.ToHexString(writer.WrittenSpan);
    }
}
