using System.Text.Json;

namespace Milena.Protocol.Tests.Messages;

/// <summary>What Kafka's own classes wrote: each message in each version, once with all fields set and once with as few as possible.</summary>
public class VectorTests
{
    // Its lines belong to releases after those of the schemas, or to versions that were never stable.
    private const int VectorsWithinSchemas = 1654;

    [Fact]
    public void Every_recorded_message_is_read_and_written_again_to_the_same_bytes()
    {
        var failures = new List<string>();
        var count = 0;
        foreach (var row in Vectors.Rows("protocol-vectors.tsv"))
        {
            var (name, version, bytes, json) = (row[1], short.Parse(row[4]), Convert.FromHexString(row[6]), row[7]);
            if (!Schemas.ByName.TryGetValue(name, out var schema) || !schema.Head.Versions.Contains(version))
                continue;
            count++;
            try
            {
                var message = schema.Read(bytes, version);
                Content.AssertSays(JsonDocument.Parse(json).RootElement, message, schema.Head.Body, name);
                Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(MessageSchema.Write(message, version)));
            }
            catch (Exception error)
            {
                failures.Add($"{name} {version} {row[5]}: {error.Message}");
            }
        }
        Assert.Empty(failures);
        Assert.Equal(VectorsWithinSchemas, count);
    }
}
