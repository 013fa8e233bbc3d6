namespace Milena.Network;

/// <summary>Why a connection ended. Lines in the log are limited for each of these apart.</summary>
public enum CloseReason
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>The peer closed it, or is no longer there.</summary>
    PeerGone,

    /// <summary>The peer closed it in the middle of a request.</summary>
    Truncated,

    /// <summary>What came in was not a frame, or not a request.</summary>
    BadInput,

    /// <summary>The handler had no other answer.</summary>
    Refused,

    /// <summary>Nothing moved for <c>connections.max.idle.ms</c>.</summary>
    Idle,

    /// <summary>It held memory that others waited for, and did not get on.</summary>
    Stalled,

    /// <summary>The handler failed, or the records of a response could not be read: a fault of ours.</summary>
    Failed,

    /// <summary>Its address has more connections than it may.</summary>
    TooMany,

    /// <summary>The server stops.</summary>
    Stopping,
}
