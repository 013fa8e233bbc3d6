using System.Text.Json;

namespace Milena.Interop.Harness;

/// <summary>
/// 200,000 real flights of npm's <c>vega-datasets</c>, each record's JSON byte for byte as the file has it. The key, where one
/// is wanted, is the distance flown: 1,079 different ones.
/// </summary>
internal static class Flights
{
    private static readonly Lazy<Record[]> AllKeyed = new(() => Read(keyed: true));
    private static readonly Lazy<Record[]> AllUnkeyed = new(() => Read(keyed: false));

    private static string FilePath => Path.Combine(Repository.Drivers, "node_modules/vega-datasets/data/flights-200k.json");

    public static IReadOnlyList<Record> All(bool keyed) => (keyed ? AllKeyed : AllUnkeyed).Value;

    public static IReadOnlyList<Record> Some(int count, bool keyed, int from = 0) => new ArraySegment<Record>([.. All(keyed)], from, count);

    private static Record[] Read(bool keyed)
    {
        Packages.MustBeThere(FilePath);
        var bytes = File.ReadAllBytes(FilePath);
        var reader = new Utf8JsonReader(bytes);
        var records = new List<Record>(capacity: 250_000);
        byte[]? distance = null;
        var start = 0L;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                start = reader.TokenStartIndex;
            }
            else if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("distance"u8))
            {
                reader.Read();
                distance = reader.ValueSpan.ToArray();
            }
            else if (reader.TokenType == JsonTokenType.EndObject)
            {
                records.Add(new Record(keyed ? distance : null, bytes[(int)start..(int)reader.BytesConsumed]));
            }
        }
        return [.. records];
    }
}
