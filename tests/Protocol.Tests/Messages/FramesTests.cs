using Milena.Protocol.Messages;

namespace Milena.Protocol.Tests.Messages;

public class FramesTests
{
    [Fact]
    public void A_request_arrives_with_its_header()
    {
        foreach (short version in new short[] { 0, 8, 9, 13 })
        {
            var bytes = Body(Frames.Request(new ProduceRequest { Acks = -1, TimeoutMs = 5 }, version, correlationId: 77, "me"));
            Assert.Equal(new RequestPrefix(0, version, 77), RequestPrefix.Peek(bytes));

            var reader = new MessageReader(bytes);
            var header = RequestHeaders.Read(ref reader, out var api);
            Assert.Equal(ApiKey.Produce, api.Key);
            Assert.Equal((version, 77, "me"), (header.RequestApiVersion, header.CorrelationId, header.ClientId));
            Assert.Equal(-1, ProduceRequest.Read(ref reader, header.RequestApiVersion).Acks);
            reader.ExpectEnd();
        }
    }

    [Fact]
    public void The_oldest_request_of_all_has_no_client_id()
    {
        var bytes = Body(Frames.Request(new ControlledShutdownRequest { BrokerId = 3 }, 0, correlationId: 1, "me"));
        Assert.Equal("0007" + "0000" + "00000001" + "00000003", Convert.ToHexString(bytes));
        var reader = new MessageReader(bytes);
        Assert.Equal("", RequestHeaders.Read(ref reader, out _).ClientId);
        Assert.Equal(3, ControlledShutdownRequest.Read(ref reader, 0).BrokerId);
    }

    [Fact]
    public void A_response_is_told_by_its_correlation_id()
    {
        foreach (short version in new short[] { 0, 8, 9, 13 })
        {
            var bytes = Body(Frames.Response(new MetadataResponse { Brokers = [new() { NodeId = 4, Host = "h" }] }, version, 99));
            var response = Frames.ReadResponse<MetadataResponse>(bytes, version, out var correlationId);
            Assert.Equal(99, correlationId);
            Assert.Equal(4, response.Brokers[0].NodeId);
        }
    }

    [Fact]
    public void The_header_of_an_ApiVersions_response_is_never_flexible()
    {
        var bytes = Body(Frames.Response(new ApiVersionsResponse { ErrorCode = ErrorCode.UnsupportedVersion }, 3, 1));
        Assert.Equal("00000001" + "0023" + "01" + "00000000" + "00", Convert.ToHexString(bytes));
    }

    [Fact]
    public void ApiVersions_from_the_future_still_has_a_readable_header()
    {
        var reader = new MessageReader(Convert.FromHexString("0012" + "0063" + "00000005" + "00026162" + "00" + "FFFFFFFF"));
        var header = RequestHeaders.Read(ref reader, out var api);
        Assert.Equal((short)99, header.RequestApiVersion);
        Assert.Equal((5, "ab"), (header.CorrelationId, header.ClientId));
        Assert.False(api.AllVersions.Contains(header.RequestApiVersion));
    }

    [Theory]
    [InlineData("7777" + "0000" + "00000001" + "FFFF")] // no such API
    [InlineData("FFFF" + "0000" + "00000001" + "FFFF")]
    [InlineData("0000" + "0063" + "00000001" + "FFFF")] // no such version of Produce
    [InlineData("0000" + "FFFF" + "00000001" + "FFFF")]
    [InlineData("0000" + "0000" + "0000")] // cut
    [InlineData("474554202F20485454502F312E310D0A")] // GET / HTTP/1.1
    [InlineData("16030100")] // the start of a TLS hello
    public void A_header_that_cannot_be_read_is_malformed(string hex) => Assert.Throws<MalformedMessageException>(() =>
    {
        var reader = new MessageReader(Convert.FromHexString(hex));
        RequestHeaders.Read(ref reader, out _);
    });

    [Fact]
    public void Records_from_a_source_are_inserted_into_the_frame()
    {
        var response = new FetchResponse
        {
            Responses =
            [
                new()
                {
                    Topic = "t",
                    Partitions =
                    [
                        new() { PartitionIndex = 0, Records = new RecordBytes(new Repeated(1, 300)) },
                        new() { PartitionIndex = 1, Records = new RecordBytes(new byte[] { 2, 2 }) },
                        new() { PartitionIndex = 2, Records = new RecordBytes(new Repeated(3, 0)) },
                        new() { PartitionIndex = 3, Records = RecordBytes.Null },
                    ],
                },
            ],
        };
        foreach (short version in new short[] { 4, 12 })
        {
            var read = Frames.ReadResponse<FetchResponse>(Body(Frames.Response(response, version, 1)), version, out _);
            var records = read.Responses[0].Partitions.Select(partition => partition.Records).ToList();
            Assert.Equal(Enumerable.Repeat((byte)1, 300), records[0].ToArray());
            Assert.Equal([2, 2], records[1].ToArray());
            Assert.Equal(0, records[2].Length);
            Assert.False(records[2].IsNull);
            Assert.True(records[3].IsNull);
        }
    }

    [Fact]
    public void Every_request_and_response_belongs_to_a_row_of_the_table()
    {
        Assert.Equal(93, ApiTable.All.Count());
        foreach (var api in ApiTable.All)
        {
            var (request, response) = (Schemas.ByName[api.Name + "Request"].Head, Schemas.ByName[api.Name + "Response"].Head);
            Assert.Equal((api.AllVersions.Min, api.AllVersions.Max), ((short)request.Versions.Low, (short)request.Versions.High));
            Assert.Equal(request.Versions, response.Versions);
            for (var version = api.AllVersions.Min; version <= api.AllVersions.Max; version++)
            {
                Assert.Equal(request.Flexible.Contains(version), api.RequestHeaderVersion(version) == 2);
                Assert.Equal(response.Flexible.Contains(version) && api.Key != ApiKey.ApiVersions, api.ResponseHeaderVersion(version) == 1);
            }
        }
        Assert.False(ApiTable.TryGet(-1, out _));
        Assert.False(ApiTable.TryGet(93, out _));
        Assert.False(ApiTable.TryGet(short.MinValue, out _));
    }

    [Fact]
    public void The_one_unstable_version_can_be_encoded_but_is_not_advertised()
    {
        Assert.Equal(new VersionRange(0, 5), ApiTable.Get(ApiKey.InitProducerId).Versions);
        Assert.Equal(new VersionRange(0, 6), ApiTable.Get(ApiKey.InitProducerId).AllVersions);
        Assert.Equal(["InitProducerId"], ApiTable.All.Where(api => api.Versions != api.AllVersions).Select(api => api.Name));
    }

    [Fact]
    public void Error_codes_have_names_and_meanings()
    {
        Assert.Equal("NOT_LEADER_OR_FOLLOWER", ErrorCode.NotLeaderOrFollower.Name());
        Assert.True(ErrorCode.NotLeaderOrFollower.IsRetriable());
        Assert.False(ErrorCode.TopicAlreadyExists.IsRetriable());
        Assert.Equal("ERROR_999", ((ErrorCode)999).Name());
        Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.False(code.Message().StartsWith("Error code", StringComparison.Ordinal)));
    }

    /// <summary>The bytes of a frame behind its size, which must be right.</summary>
    private static byte[] Body(OutboundFrame frame)
    {
        using (frame)
        {
            var bytes = new byte[frame.Length];
            Assert.Equal(bytes.Length, frame.CopyTo(0, bytes));
            Assert.Equal(bytes.Length - sizeof(int), new MessageReader(bytes).ReadInt32());
            return bytes[sizeof(int)..];
        }
    }

    private sealed class Repeated(byte value, int length) : RecordSource
    {
        public override int Length => length;

        public override void Read(int offset, Span<byte> destination) => destination.Fill(value);
    }
}
