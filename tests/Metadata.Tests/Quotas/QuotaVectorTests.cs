using System.Globalization;
using Milena.Metadata.Quotas;

namespace Milena.Metadata.Tests.Quotas;

/// <summary>What Apache Kafka's own rates and token buckets gave for the same uses at the same times.</summary>
public class QuotaVectorTests
{
    public static TheoryData<string> Cases(string kind) =>
        [.. Vectors.Read("quota-vectors.tsv").Where(line => line[0] == kind).Select(line => line[1]).Distinct()];

    [Theory]
    [MemberData(nameof(Cases), "quota")]
    public void Rates_and_throttle_times_are_Kafkas(string name)
    {
        RateWindow? rate = null;
        foreach (var line in Lines("quota", name))
        {
            var config = Numbers(line[2]);
            rate ??= new RateWindow(new QuotaWindow((int)config["samples"], (long)config["window"] * 1000));
            var use = Numbers(line[3]);
            rate.Record(use["record"], (long)use["t"]);
            var measured = rate.Measure((long)use["t"]);
            Assert.Equal(Numbers(line[4])["rate"], measured.PerSecond, 4);
            Assert.Equal(line[5] == "within quota" ? 0 : Numbers(line[5])["throttleMs"], measured.ThrottleMs(config["quota"]));
        }
    }

    [Theory]
    [MemberData(nameof(Cases), "bucket")]
    public void Tokens_are_Kafkas(string name)
    {
        TokenBucket? bucket = null;
        foreach (var line in Lines("bucket", name))
        {
            var (rate, burst) = (Numbers(line[2])["rate"], Numbers(line[2])["burst"]);
            bucket ??= new TokenBucket(new QuotaWindow((int)(burst / rate), 1000));
            var use = Numbers(line[3]);
            var (now, tokens) = ((long)use["t"], Numbers(line[4]));
            Assert.Equal(tokens["before"], bucket.Tokens(rate, now), 6);
            Assert.True(bucket.Tokens(rate, now) >= 0); // none of the recorded ones was refused
            bucket.Take(use["mutations"], rate, now);
            Assert.Equal(tokens["after"], bucket.Tokens(rate, now), 6);
            Assert.Equal(Numbers(line[5]).GetValueOrDefault("throttleMs"), bucket.ThrottleMs(rate, now));
        }
    }

    private static IEnumerable<string[]> Lines(string kind, string name) =>
        Vectors.Read("quota-vectors.tsv").Where(line => line[0] == kind && line[1] == name);

    /// <summary><c>quota=1000/s window=1s</c> as numbers, units left out.</summary>
    private static Dictionary<string, double> Numbers(string text) => text.Split(' ', ',')
        .Select(part => part.Split('='))
        .Where(pair => pair.Length == 2)
        .ToDictionary(pair => pair[0], pair => double.Parse(pair[1].Split('/')[0].TrimEnd('s'), CultureInfo.InvariantCulture));
}
