namespace Milena.Network;

/// <summary>
/// Lets a few lines a second through for each reason and counts the rest, so that ten thousand bad connections cannot fill
/// the disk with their complaint.
/// </summary>
internal sealed class LogLimiter(int linesPerSecond, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Window[] windows = new Window[Enum.GetValues<CloseReason>().Length];

    /// <summary>Whether this line may be written. Otherwise it is counted.</summary>
    public bool Allows(CloseReason reason)
    {
        lock (gate)
        {
            ref var window = ref windows[(int)reason];
            if (window.Lines == 0)
                window.Started = time.GetTimestamp();
            if (window.Lines < linesPerSecond)
            {
                window.Lines++;
                return true;
            }

            window.Suppressed++;
            return false;
        }
    }

    /// <summary>Begins anew for the reasons whose second is over. Returns what was left out, to be told in one line each.</summary>
    public List<(CloseReason Reason, int Count)> Renew()
    {
        lock (gate)
        {
            List<(CloseReason, int)>? suppressed = null;
            for (var i = 0; i < windows.Length; i++)
            {
                ref var window = ref windows[i];
                if (window.Lines == 0 || time.GetElapsedTime(window.Started) < TimeSpan.FromSeconds(1))
                    continue;
                if (window.Suppressed > 0)
                    (suppressed ??= []).Add(((CloseReason)i, window.Suppressed));
                window = default;
            }

            return suppressed ?? [];
        }
    }

    private struct Window
    {
        public long Started;
        public int Lines;
        public int Suppressed;
    }
}
