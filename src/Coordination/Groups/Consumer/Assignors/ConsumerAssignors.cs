namespace Milena.Coordination.Groups;

/// <summary>The assignors of consumer groups (KIP-848) by what <c>group.consumer.assignors</c> calls them.</summary>
internal static class ConsumerAssignors
{
    private const string Package = "org.apache.kafka.coordinator.group.assignor.";

    /// <summary>The assignors of these names, in that order; those that are named twice come once.</summary>
    /// <param name="names">Short names, or those of Kafka's classes; known ones, which has been checked when the broker started.</param>
    public static IReadOnlyList<IConsumerAssignor> Of(IEnumerable<string> names) =>
        [.. names.Select(Find).OfType<IConsumerAssignor>().DistinctBy(assignor => assignor.Name)];

    /// <summary>The assignor of that name; null if there is none.</summary>
    public static IConsumerAssignor? Find(string name) => name switch
    {
        "uniform" or $"{Package}UniformAssignor" => new UniformAssignor(),
        "range" or $"{Package}RangeAssignor" => new RangeAssignor(),
        _ => null,
    };
}
