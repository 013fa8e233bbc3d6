using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Milena.Common;

/// <summary>Claims that hold unless there is a bug in Milena. They are checked in every build.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantViolation"/> naming the claim when it does not hold.</summary>
    public static void Holds(
        [DoesNotReturnIf(false)] bool claim,
        [CallerArgumentExpression(nameof(claim))] string? text = null)
    {
        if (!claim)
            Fail(text);
    }

    [DoesNotReturn]
    private static void Fail(string? text) => throw new InvariantViolation(text ?? "an invariant does not hold");
}

/// <summary>A bug: something that must be true was not. Never used for what a peer or a disk may cause.</summary>
public sealed class InvariantViolation(string message) : Exception(message);
