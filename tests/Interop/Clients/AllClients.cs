using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>The clients that every promise is tried with.</summary>
internal static class AllClients
{
    // Debian's own Python, for which apt installs the modules; another may come first on the path.
    private const string Python = "/usr/bin/python3";

    /// <summary>Its records come as lines, so a tab or a line feed cannot be part of one.</summary>
    public static KafkaClient Kcat { get; } = new KcatClient { IsBinary = false };

    public static KafkaClient ConfluentPython { get; } = new ScriptClient("confluent-kafka-python", Python, "confluent_python.py");

    public static KafkaClient KafkaPython { get; } = MakeKafkaPython(apiVersion: null);

    public static KafkaClient KafkaJs { get; } = new ScriptClient("kafkajs", "node", "kafkajs.mjs") { ReadsWithoutGroup = false };

    /// <summary>
    /// Its zstd is Node's own, which Node has from version 22.15. A fetch that it prepares during a rebalance uses the new
    /// assignment with the old offsets.
    /// </summary>
    public static KafkaClient Platformatic { get; } = new ScriptClient("@platformatic/kafka", "node", "platformatic.mjs")
    {
        Codecs = [Codec.None, Codec.Gzip, Codec.Snappy, Codec.Lz4],
        ReadsWithoutGroup = false,
        ReadsFramedSnappy = false,
        ReadsAgainAfterRebalance = true,
    };

    public static KafkaClient Dotnet { get; } = new DotnetClient();

    /// <summary>The same in groups of KIP-848.</summary>
    public static KafkaClient DotnetConsumerProtocol { get; } = new DotnetClient(Confluent.Kafka.GroupProtocol.Consumer);

    public static IReadOnlyList<KafkaClient> List { get; } = [Kcat, ConfluentPython, KafkaPython, KafkaJs, Platformatic, Dotnet];

    public static KafkaClient Named(string name) => List.Single(client => client.Name == name);

    /// <summary>kafka-python, made to speak as it did to a broker of another version.</summary>
    public static ScriptClient MakeKafkaPython(string? apiVersion) => new("kafka-python", Python, "kafka_python.py")
    {
        ApiVersion = apiVersion,
        IsIdempotent = false,
        FramesSnappy = true,
    };
}
