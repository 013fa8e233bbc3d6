namespace Milena.Protocol.Compression;

/// <summary>A few objects that are dear to make, kept for the next user. What does not fit is disposed.</summary>
internal sealed class KeptObjects<T>(Func<T> make)
    where T : class
{
    private const int CountMax = 4;

    private readonly T?[] kept = new T?[CountMax];

    /// <summary>One that nobody else has.</summary>
    internal T Take()
    {
        for (var i = 0; i < kept.Length; i++)
        {
            if (kept[i] is not null && Interlocked.Exchange(ref kept[i], null) is { } taken)
                return taken;
        }

        return make();
    }

    /// <summary>Gives back one that is fit for use.</summary>
    internal void Keep(T item)
    {
        for (var i = 0; i < kept.Length; i++)
        {
            if (Interlocked.CompareExchange(ref kept[i], item, null) is null)
                return;
        }

        (item as IDisposable)?.Dispose();
    }
}
