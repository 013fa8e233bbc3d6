using System.Collections.Immutable;

namespace Milena.Raft;

/// <summary>
/// What the driver must do, in this order: persist, append, tell. The order is the protocol: nothing may be said that a
/// restart would not remember.
/// </summary>
public readonly record struct Output
{
    /// <summary>Nothing to do.</summary>
    public static Output Nothing => default;

    /// <summary>Write this to <c>quorum-state</c> and sync it before anything else; null if it has not changed.</summary>
    public ElectionState? Persist { get; init; }

    /// <summary>
    /// Append this leader's first record, a control batch, and report it with <see cref="QuorumNode.Appended"/>; null for none.
    /// </summary>
    public LeaderChange? Append { get; init; }

    /// <summary>All records below are committed (exclusive); null if that has not changed. Never goes back.</summary>
    public long? HighWatermark { get; init; }
}

/// <summary>The record with which a leader begins its epoch.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="LeaderId">The leader.</param>
/// <param name="Voters">Who may vote.</param>
/// <param name="Granting">Who voted for it.</param>
public sealed record LeaderChange(int Epoch, int LeaderId, ImmutableArray<VoterKey> Voters, ImmutableArray<VoterKey> Granting);
