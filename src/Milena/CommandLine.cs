using System.Reflection;

namespace Milena;

/// <summary>
/// What the program was asked to do. Written by hand: the server's few words need no library, and its start none of the
/// time that one takes.
/// </summary>
internal abstract record CommandLine
{
    private const string Help = """
        Usage: milena [server] [server.properties] [--override name=value]...

        Starts a broker. Everything has a default: without a file it listens on port 9092 and keeps its data in ./data.

          server.properties      a configuration file of Apache Kafka's format and names
          --override name=value  sets one configuration; it counts before the environment, which counts before the file
          --version              prints the version
          --help                 prints this

        Environment: KAFKA_NAME sets a configuration too (KAFKA_LOG_DIRS is log.dirs; _ is a dot, __ an underscore, ___ a
        hyphen). MILENA_LOG sets how much is logged: trace, debug, information (the default), warning or error, for all
        or for a part, as in MILENA_LOG=warning,Milena.Network=debug.
        """;

    private CommandLine()
    {
    }

    /// <summary>Run a server.</summary>
    internal sealed record Serve(string? PropertiesFile, IReadOnlyList<KeyValuePair<string, string>> Overrides) : CommandLine;

    /// <summary>Print this and be done.</summary>
    internal sealed record Answer(string Text) : CommandLine;

    /// <summary>It makes no sense.</summary>
    internal sealed record Wrong(string Why) : CommandLine;

    /// <summary>The version of this build.</summary>
    internal static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Understands the arguments of the process.</summary>
    internal static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        string? file = null;
        var overrides = new List<KeyValuePair<string, string>>();
        for (var i = arguments.Count > 0 && arguments[0] == "server" ? 1 : 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--help" or "-h":
                    return new Answer(Help);
                case "--version":
                    return new Answer($"milena {Version}");
                case "--override":
                    if (++i == arguments.Count || !TryParseOverride(arguments[i], out var set))
                        return new Wrong("--override needs name=value");
                    overrides.Add(set);
                    break;
                case ['-', ..] option:
                    return new Wrong($"unknown option {option}");
                case var argument when file is not null:
                    return new Wrong($"unexpected argument {argument}");
                case var argument:
                    file = argument;
                    break;
            }
        }
        return new Serve(file, overrides);
    }

    private static bool TryParseOverride(string text, out KeyValuePair<string, string> set)
    {
        var at = text.IndexOf('=');
        set = at > 0 ? new(text[..at].Trim(), text[(at + 1)..].Trim()) : default;
        return at > 0;
    }
}
