namespace Milena.Coordination.Groups;

/// <summary>Subscriptions by regular expression, on an engine of our own whose costs are bounded (<see cref="TopicRegex"/>).</summary>
internal sealed class TopicPatterns : ITopicPatterns
{
    public string? Fault(string pattern)
    {
        TopicRegex.Parse(pattern, out var fault);
        return fault;
    }

    public IEnumerable<string> Matches(string pattern, IEnumerable<string> names) => RegexResolver.Resolve(pattern, names).Topics;
}
