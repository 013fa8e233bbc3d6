namespace Milena.Protocol;

/// <summary>What is known about each <see cref="ErrorCode"/>.</summary>
public static partial class ErrorCodes
{
    /// <summary>Whether the same request may succeed later, as Kafka's clients class it. Codes not known are not.</summary>
    public static bool IsRetriable(this ErrorCode code) => IsRetriableCode(code);

    /// <summary>The name in the protocol, for example <c>NOT_COORDINATOR</c>; the number if it is not known.</summary>
    public static string Name(this ErrorCode code) => NameOf(code) ?? $"ERROR_{(short)code}";

    /// <summary>What the code means, in a sentence without a full stop.</summary>
    public static string Message(this ErrorCode code) => DescriptionOf(code) ?? $"Error code {(short)code}";
}
