namespace Milena.Coordination.Runtime;

/// <summary>A state machine as the lane sees it: where it starts and how records move it.</summary>
/// <typeparam name="TState">An immutable value: the lane goes back by forgetting the newer one.</typeparam>
/// <typeparam name="TRecord">What a decision writes.</typeparam>
/// <param name="Empty">The state of an empty log.</param>
/// <param name="Apply">The fold: the state after these records, in order. Pure.</param>
public sealed record ReplayModel<TState, TRecord>(TState Empty, Func<TState, IReadOnlyList<TRecord>, TState> Apply)
{
    /// <summary>
    /// True for records that are applied but never written: changes that concern this node only and are over when it loses the
    /// partition, such as who waits for a rebalance to end. By default there are none.
    /// </summary>
    public Func<TRecord, bool> IsVolatile { get; init; } = static _ => false;
}
