using Milena.Metadata.Placement;

namespace Milena.Metadata.Tests.Placement;

/// <summary>Replicas go where Apache Kafka puts them, given the same chance.</summary>
public class PlacementVectorTests
{
    public static TheoryData<string, string, string> Rows =>
        [.. Vectors.Read("placement-vectors.tsv").Select(cells => (cells[1], cells[2], cells[3]))];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Replicas_stand_where_Kafka_places_them(string id, string input, string expected)
    {
        var words = input.Split(' ');
        var brokers = Value(words, "brokers").Split(',').Select(ReadBroker).ToArray();
        Random random = id.StartsWith("lcg-", StringComparison.Ordinal) ? new CongruentialRandom(17) : new AlwaysZero();

        var placement = ReplicaPlacer.Place(brokers, int.Parse(Value(words, "partitions")), int.Parse(Value(words, "rf")), random);

        var text = placement.Error is { } error
            ? $"ERROR InvalidReplicationFactorException: {error}"
            : string.Join(' ', placement.Replicas.Select(replicas => $"[{string.Join(", ", replicas)}]"));
        Assert.Equal(expected, text);
    }

    private static string Value(string[] words, string name) =>
        words.First(word => word.StartsWith(name, StringComparison.Ordinal)).Split('=')[1];

    private static UsableBroker ReadBroker(string text)
    {
        var parts = text.Split(':');
        return new UsableBroker(int.Parse(parts[0]), parts[1] == "-" ? null : parts[1], IsFenced: parts is [_, _, "f"]);
    }

    private sealed class AlwaysZero() : Random(0)
    {
        public override int Next(int maxValue) => 0;
    }

    // The linear congruential source of the recording, combined into a bounded number as java.util.Random does.
    private sealed class CongruentialRandom(long state) : Random(0)
    {
        private long state = state;

        public override int Next(int maxValue)
        {
            var bits = NextBits();
            if ((maxValue & (maxValue - 1)) == 0)
                return (int)((maxValue * (long)bits) >> 31);
            var bounded = bits % maxValue;
            while (unchecked(bits - bounded + (maxValue - 1)) < 0)
            {
                bits = NextBits();
                bounded = bits % maxValue;
            }

            return bounded;
        }

        private int NextBits()
        {
            state = unchecked(state * 2862933555777941757 + 3037000493);
            return (int)((ulong)state >> 33);
        }
    }
}
