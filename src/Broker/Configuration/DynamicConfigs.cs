using Milena.Metadata.Configs;
using Milena.Metadata.Images;

namespace Milena.Broker.Configuration;

/// <summary>
/// What may be changed while the broker runs. A value that would be stored and then do nothing is refused, so that nobody
/// believes in it. Topics are the exception: tools set what they know for the topics they create, so that is stored, and the log
/// says that it has no effect.
/// </summary>
internal static class DynamicConfigs
{
    /// <summary>Why a resource's configurations cannot be set here, or null if they can, as far as this goes.</summary>
    /// <param name="type">What they are set for.</param>
    /// <param name="names">Those that get a value; taking one away is always possible.</param>
    public static string? Refusal(sbyte type, IEnumerable<string> names) => (ConfigResourceType)type switch
    {
        ConfigResourceType.Broker => BrokerRefusal(names),
        ConfigResourceType.Group => GroupRefusal(names),
        _ => null,
    };

    private static string? BrokerRefusal(IEnumerable<string> names)
    {
        var unused = names.Where(name => !IsReadOnly(name) && !ConfigSupport.IsActedOnAtOnce(name)).Order(StringComparer.Ordinal).ToArray();
        return unused.Length == 0 ? null : $"These configurations are not acted on while the broker runs: {string.Join(", ", unused)}";
    }

    /// <summary>Names that nobody knows are the controller's to refuse.</summary>
    private static string? GroupRefusal(IEnumerable<string> names)
    {
        var unused = names.Where(name => ConfigTable.Find(ConfigScope.Group, name) is not null && !ConfigSupport.IsActedOnForGroups(name))
            .Order(StringComparer.Ordinal).ToArray();
        return unused.Length == 0 ? null : $"These configurations of groups are not acted on: {string.Join(", ", unused)}";
    }

    /// <summary>Those are the controller's to refuse.</summary>
    private static bool IsReadOnly(string name) => ConfigTable.FindBroker(name)?.Update == ConfigUpdate.ReadOnly;
}
