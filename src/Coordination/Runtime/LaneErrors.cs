using Milena.Protocol;

namespace Milena.Coordination.Runtime;

/// <summary>What a lane's callers are told when it cannot serve them.</summary>
/// <param name="NotLeader">The partition is led elsewhere, or leadership was lost before the answer was safe.</param>
/// <param name="Loading">The records are still being replayed.</param>
/// <param name="Busy">More decisions wait than <see cref="LaneLimits.QueuedMax"/> allows.</param>
/// <param name="OfRefusedAppend">What the client hears for the code with which the log refused the records.</param>
public sealed record LaneErrors(
    ErrorCode NotLeader, ErrorCode Loading, ErrorCode Busy, Func<ErrorCode, ErrorCode> OfRefusedAppend)
{
    /// <summary>The errors of group, transaction and share coordinators.</summary>
    public static LaneErrors Coordinator { get; } = new(
        ErrorCode.NotCoordinator,
        ErrorCode.CoordinatorLoadInProgress,
        ErrorCode.CoordinatorNotAvailable,
        CoordinatorErrorOf);

    /// <summary>The errors of the controller: all of them send the client to look for another one, or to try again.</summary>
    public static LaneErrors Controller { get; } = new(
        ErrorCode.NotController, ErrorCode.NotController, ErrorCode.NotController, static _ => ErrorCode.NotController);

    // Kafka's mapping (CoordinatorOperationExceptionHelper): what the client can wait out, what sends it to look for the
    // coordinator again, and what it can do nothing about.
    private static ErrorCode CoordinatorErrorOf(ErrorCode refusal) => refusal switch
    {
        ErrorCode.UnknownTopicOrPartition or ErrorCode.NotEnoughReplicas or ErrorCode.RequestTimedOut
            => ErrorCode.CoordinatorNotAvailable,
        ErrorCode.NotLeaderOrFollower or ErrorCode.KafkaStorageError => ErrorCode.NotCoordinator,
        ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge or ErrorCode.InvalidFetchSize
            => ErrorCode.UnknownServerError,
        _ => refusal,
    };
}

/// <summary>How much a lane takes on.</summary>
/// <param name="QueuedMax">Decisions that may wait for their turn; one more is told <see cref="LaneErrors.Busy"/>.</param>
/// <param name="DecisionsPerAppendMax">Decisions whose records may share one append.</param>
/// <param name="AppendsPerTurnMax">
/// Appends that a caller makes for others after its own, before the rest is handed to another worker: nobody who came with a
/// heartbeat should stay to serve a busy lane for ever.
/// </param>
public sealed record LaneLimits(int QueuedMax = 100_000, int DecisionsPerAppendMax = 256, int AppendsPerTurnMax = 16);

/// <summary>The life of a lane.</summary>
public enum LaneStatus
{
    /// <summary>The partition is not led here.</summary>
    Closed,

    /// <summary>Its records are being replayed.</summary>
    Loading,

    /// <summary>It decides.</summary>
    Open,
}
