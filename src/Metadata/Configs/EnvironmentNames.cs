using System.Text;

namespace Milena.Metadata.Configs;

/// <summary>
/// Configurations given as environment variables, named as Apache Kafka's container image names them: <c>KAFKA_</c> and the
/// name in capitals, with <c>_</c> for a dot, <c>__</c> for an underscore and <c>___</c> for a hyphen.
/// </summary>
public static class EnvironmentNames
{
    private const string Prefix = "KAFKA_";

    // What Kafka's scripts and images read for themselves; these are no configurations.
    private static readonly HashSet<string> OfScripts = new(StringComparer.Ordinal)
    {
        "KAFKA_CLUSTER_ID", "KAFKA_DEBUG", "KAFKA_GC_LOG_OPTS", "KAFKA_HEAP_OPTS", "KAFKA_HOME", "KAFKA_JMX_HOSTNAME", "KAFKA_JMX_OPTS",
        "KAFKA_JMX_PORT", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_LOG4J_LOGGERS", "KAFKA_LOG4J_OPTS", "KAFKA_LOG4J_ROOT_LOGLEVEL",
        "KAFKA_MODE", "KAFKA_OPTS", "KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_VERSION",
    };

    /// <summary>The configuration's name that a variable stands for, or null if it stands for none.</summary>
    public static string? ToConfigName(string variable)
    {
        if (!variable.StartsWith(Prefix, StringComparison.Ordinal) || variable.Length == Prefix.Length || OfScripts.Contains(variable))
            return null;
        var name = new StringBuilder();
        for (var i = Prefix.Length; i < variable.Length;)
        {
            var run = 0;
            while (i + run < variable.Length && variable[i + run] == '_' && run < 3)
                run++;
            name.Append(run switch { 0 => char.ToLowerInvariant(variable[i]), 1 => '.', 2 => '_', _ => '-' });
            i += Math.Max(run, 1);
        }

        return name.ToString();
    }
}
