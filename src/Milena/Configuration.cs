using System.Collections;
using Milena.Metadata.Configs;

namespace Milena;

/// <summary>Gathers what the node was told, by the file, the environment and the command line.</summary>
internal static class Configuration
{
    // Kafka's default is /tmp/kafka-logs, which a restart of the machine empties.
    private static readonly KeyValuePair<string, string> DefaultDirectory = new("log.dirs", "data");

    /// <summary>Reads all of it. The file's failure to be read is an <see cref="IOException"/> or an access error.</summary>
    internal static ConfigReading Read(CommandLine.Serve command)
    {
        var file = command.PropertiesFile is { } path ? PropertiesText.Read(File.ReadAllText(path)) : [];
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(variable => new KeyValuePair<string, string>((string)variable.Key, (string)variable.Value!))
            .ToList();
        var isPlaced = file.Concat(command.Overrides).Select(set => set.Key)
            .Concat(environment.Select(variable => EnvironmentNames.ToConfigName(variable.Key)))
            .Any(name => name is "log.dirs" or "log.dir");
        return BrokerConfigReader.Read(new ConfigInput
        {
            File = isPlaced ? file : [DefaultDirectory, .. file],
            Environment = environment,
            Overrides = command.Overrides,
        });
    }
}
