using Milena.Network;

namespace Milena.Broker.Apis;

/// <summary>
/// How much one request may ask for where a few bytes of it lead to hundreds in the answer: a frame of a hundred megabytes could
/// otherwise make the broker hold gigabytes. The protocol has no error for it, and no client asks for so much.
/// </summary>
internal static class RequestLimits
{
    /// <summary>The most topics, groups, keys or resources that a request may name.</summary>
    public const int NamesMax = 100_000;

    /// <summary>Throws <see cref="ConnectionClosingException"/> if there are too many.</summary>
    public static void Check(int names)
    {
        if (names > NamesMax)
            throw new ConnectionClosingException($"its request names {names} things; no more than {NamesMax} are answered at once");
    }
}
