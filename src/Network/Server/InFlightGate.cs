namespace Milena.Network;

/// <summary>Counts the requests of one connection that are in flight, and holds up its reading while there are too many.</summary>
/// <param name="countMax">How many may be in flight.</param>
/// <param name="bytesMax">How large they may be together; a single one may always enter.</param>
internal sealed class InFlightGate(int countMax, long bytesMax)
{
    private readonly Lock gate = new();
    private int count;
    private long bytes;
    private int wantedBytes;
    private TaskCompletionSource? room; // the one reader waits for it
    private TaskCompletionSource? empty;

    public int Count => Volatile.Read(ref count);

    /// <summary>Enters if there is room.</summary>
    public bool TryEnter(int frameBytes)
    {
        lock (gate)
        {
            if (!HasRoom(frameBytes))
                return false;
            Add(frameBytes);
            return true;
        }
    }

    /// <summary>Enters as soon as there is room. One caller at a time.</summary>
    public Task EnterAsync(int frameBytes)
    {
        lock (gate)
        {
            if (HasRoom(frameBytes))
            {
                Add(frameBytes);
                return Task.CompletedTask;
            }

            wantedBytes = frameBytes;
            room = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return room.Task;
        }
    }

    /// <summary>A request is answered.</summary>
    public void Leave(int frameBytes)
    {
        lock (gate)
        {
            count--;
            bytes -= frameBytes;
            if (room is not null && HasRoom(wantedBytes))
            {
                Add(wantedBytes);
                room.SetResult();
                room = null;
            }

            if (count > 0)
                return;
            empty?.SetResult();
            empty = null;
        }
    }

    /// <summary>Completes when nothing is in flight.</summary>
    public Task WhenEmpty()
    {
        lock (gate)
        {
            if (count == 0)
                return Task.CompletedTask;
            empty ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return empty.Task;
        }
    }

    private bool HasRoom(int frameBytes) => count == 0 || (count < countMax && bytes + frameBytes <= bytesMax);

    private void Add(int frameBytes)
    {
        count++;
        bytes += frameBytes;
    }
}
