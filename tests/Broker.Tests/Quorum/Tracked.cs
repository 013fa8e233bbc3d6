namespace Milena.Broker.Tests.Quorum;

/// <summary>
/// What somebody set, again and again: the last value that was acknowledged, and those that were asked for since. After a crash it must be
/// one of these.
/// </summary>
internal sealed class Tracked<T>(T initial)
{
    private readonly List<T> attempted = [];
    private T acknowledged = initial;
    private bool isFrozen;

    public T Acknowledged
    {
        get
        {
            lock (attempted)
                return acknowledged;
        }
    }

    public void Attempt(T value)
    {
        lock (attempted)
            attempted.Add(value);
    }

    public void Acknowledge(T value)
    {
        lock (attempted)
        {
            if (isFrozen)
                return;
            acknowledged = value;
            attempted.Clear();
        }
    }

    /// <summary>From now on, what comes is no longer known to be there.</summary>
    public void Freeze()
    {
        lock (attempted)
            isFrozen = true;
    }

    /// <summary>Checks what is there now, which is then what counts.</summary>
    public void Find(T value, string what)
    {
        lock (attempted)
        {
            Assert.True(
                EqualityComparer<T>.Default.Equals(value, acknowledged) || attempted.Contains(value),
                $"{what} is {value}, but {acknowledged} was acknowledged, and since then only {string.Join(", ", attempted)} asked for");
            acknowledged = value;
            attempted.Clear();
            isFrozen = false;
        }
    }
}
