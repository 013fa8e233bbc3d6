using Milena.Protocol;

namespace Milena.Metadata.Controllers;

/// <summary>Why something that was asked for is not done, in the protocol's code and a sentence for people.</summary>
internal readonly record struct ApiError(ErrorCode Code, string? Message = null)
{
    /// <summary>Nothing is wrong.</summary>
    public static ApiError None => default;

    /// <summary>Whether something is wrong.</summary>
    public bool IsError => Code != ErrorCode.None;

    /// <summary>The caller may not; nothing is said about what there is.</summary>
    public static ApiError NotAuthorized => new(ErrorCode.TopicAuthorizationFailed, "Authorization failed.");

    /// <summary>The caller changes more than its quota of mutations allows.</summary>
    public static ApiError Throttled => new(ErrorCode.ThrottlingQuotaExceeded, "The throttling quota has been exceeded.");
}
