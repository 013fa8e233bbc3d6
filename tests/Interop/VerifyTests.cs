using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>The yardstick itself: it must see what it is there to see.</summary>
public class VerifyTests
{
    private static readonly Record[] Keyed = [.. Enumerable.Range(0, 6).Select(i => Record.Of($"k{i % 3}", $"v{i}"))];
    private static readonly Record[] Unkeyed = [.. Enumerable.Range(0, 6).Select(i => Record.Of(null, $"v{i}"))];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_sent_passes(bool keyed) => Verify.IsWhatWasSent(Sent(keyed), Read(keyed));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_lost_record_shows(bool keyed) => Fails(keyed, read => read[..^1]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_doubled_record_shows(bool keyed) => Fails(keyed, read => [.. read, read[^1] with { Offset = read[^1].Offset + 1 }]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_doubled_record_in_the_place_of_another_shows(bool keyed) =>
        Fails(keyed, read => [.. read[..^1], read[^1] with { Record = read[^2].Record }]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reordered_records_show(bool keyed) =>
        Fails(keyed, read => [.. read[..^2], read[^2] with { Record = read[^1].Record }, read[^1] with { Record = read[^2].Record }]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_changed_byte_shows(bool keyed) =>
        Fails(keyed, read => [read[0] with { Record = Record.Of(keyed ? "k0" : null, "V0") }, .. read[1..]]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_gap_of_offsets_shows(bool keyed) => Fails(keyed, read => [.. read[..^1], read[^1] with { Offset = read[^1].Offset + 1 }]);

    [Fact]
    public void Null_and_empty_are_two_things() => Assert.NotEqual(Record.Of(null, "v"), Record.Of("", "v"));

    [Fact]
    public void Flights_are_records_of_JSON_as_the_file_has_them()
    {
        var keyed = Flights.All(keyed: true);
        Assert.Equal(200_000, keyed.Count);
        Assert.Equal(Record.Of("1452", """{"delay":0,"distance":1452,"time":0.0}"""), keyed[0]);
        Assert.Null(Flights.All(keyed: false)[0].Key);
    }

    [Theory]
    [InlineData("confluent_python.py")]
    [InlineData("kafka_python.py")]
    public async Task A_driver_finds_its_client(string script)
    {
        Packages.MustBeThere("/usr/bin/kcat"); // it is installed together with them
        var (exitCode, output, errors) = await ChildProcess.Run("/usr/bin/python3", [script, "produce", "--help"]);
        Assert.True(exitCode == 0, errors);
        Assert.Contains("--records", output);
    }

    [Fact]
    public async Task A_client_that_fails_is_no_success()
    {
        Packages.MustBeThere("/usr/bin/kcat");
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => new KcatClient().Read("127.0.0.1:1", ["nowhere"], countEach: 1));
    }

    private static Record[] Sent(bool keyed) => keyed ? Keyed : Unkeyed;

    /// <summary>Two partitions: of keys k0 and the others, or of even and odd records.</summary>
    private static Consumed[] Read(bool keyed)
    {
        var next = new long[2];
        return
        [
            .. Sent(keyed).Select((record, i) => (Record: record, Partition: keyed ? Math.Min(i % 3, 1) : i % 2))
                .OrderBy(found => found.Partition)
                .Select(found => new Consumed("t", found.Partition, next[found.Partition]++, found.Record)),
        ];
    }

    private static void Fails(bool keyed, Func<Consumed[], Consumed[]> spoil) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Verify.IsWhatWasSent(Sent(keyed), spoil(Read(keyed))));
}
