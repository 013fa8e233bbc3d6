using System.Buffers.Binary;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>ApiVersions, with which every client begins.</summary>
public sealed class ApiVersionsTests(SharedBroker shared)
{
    [Theory]
    [InlineData(5)]
    [InlineData(32767)]
    public async Task A_version_from_the_future_is_answered_in_version_0_with_the_range_to_choose_from(short version)
    {
        await using var client = shared.Broker.Connect();
        byte[] headerRestAndBodyThatNobodyKnows = [0, 1, (byte)'c', 7, 7, 7, 7, 7];
        var answer = await client.SendRaw(18, version, headerRestAndBodyThatNobodyKnows);
        var reader = new MessageReader(answer);
        var response = ApiVersionsResponse.Read(ref reader, 0);
        Assert.Equal(0, reader.Remaining);
        Assert.Equal(ErrorCode.UnsupportedVersion, response.ErrorCode);
        var range = Assert.Single(response.ApiKeys);
        Assert.Equal((18, 0, 4), (range.ApiKey, range.MinVersion, range.MaxVersion));
        Assert.Equal(ErrorCode.None, (await client.Send(new ApiVersionsRequest(), 0)).ErrorCode); // on the same connection
    }

    [Fact]
    public async Task The_response_header_has_no_tags_in_any_version()
    {
        await using var client = shared.Broker.Connect();
        byte[] headerRestAndBody = [0xFF, 0xFF, 0, 2, (byte)'a', 2, (byte)'1', 0]; // no client id, no tags; name, version, no tags
        var answer = await client.SendRaw(18, 3, headerRestAndBody);
        Assert.Equal(0, BinaryPrimitives.ReadInt16BigEndian(answer)); // the error code follows the correlation id at once
    }

    [Theory]
    [InlineData("apache-kafka-java", "4.1.0", true)]
    [InlineData("a", "1", true)]
    [InlineData("librdkafka", "2.0-rc.1", true)]
    [InlineData("", "1", false)]
    [InlineData("a", "", false)]
    [InlineData("-a", "1", false)]
    [InlineData("a-", "1", false)]
    [InlineData("a b", "1", false)]
    [InlineData("a", "1\n", false)]
    [InlineData("ä", "1", false)]
    public async Task Software_names_itself_in_letters_digits_dashes_and_dots(string name, string version, bool isValid)
    {
        await using var client = shared.Broker.Connect();
        var response = await client.Send(new ApiVersionsRequest { ClientSoftwareName = name, ClientSoftwareVersion = version });
        Assert.Equal(isValid ? ErrorCode.None : ErrorCode.InvalidRequest, response.ErrorCode);
        Assert.Equal(isValid, response.ApiKeys.Length > 0);
    }

    [Fact]
    public async Task Features_that_begin_at_0_are_told_from_version_4_on()
    {
        await using var client = shared.Broker.Connect();
        var request = new ApiVersionsRequest { ClientSoftwareName = "a", ClientSoftwareVersion = "1" };
        var v3 = await client.Send(request, 3);
        var v4 = await client.Send(request, 4);
        Assert.DoesNotContain(v3.SupportedFeatures, feature => feature.MinVersion == 0);
        Assert.True(v4.SupportedFeatures.Length >= v3.SupportedFeatures.Length);
        Assert.Contains(v4.FinalizedFeatures, feature => feature.Name == "metadata.version");
        Assert.True(v4.FinalizedFeaturesEpoch >= 0);
    }
}
