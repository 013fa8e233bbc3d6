namespace Milena.Coordination.Groups;

/// <summary>
/// Subscriptions by regular expression (RE2 syntax, matching whole names), at a bounded cost whatever the expression. Pure: asked
/// within a group's turn, so that what it says is written in the same append as the subscription.
/// </summary>
internal interface ITopicPatterns
{
    /// <summary>Why the expression cannot be used, for the client to read; null if it can.</summary>
    string? Fault(string pattern);

    /// <summary>Which of these names the expression matches. Only asked for expressions without a fault.</summary>
    IEnumerable<string> Matches(string pattern, IEnumerable<string> names);
}
