namespace Milena.Storage;

/// <summary>
/// A lock on a file that ends with the process, however that ends. Two locks are taken, as there are two kinds: flock, by which two
/// of our own exclude each other even within one process, and the POSIX record lock that Java takes.
/// </summary>
internal sealed class LockFile : IDisposable
{
    private static readonly HashSet<string> TakenHere = [];

    private readonly string path;
    private readonly FileStream stream;

    private LockFile(string path, FileStream stream)
    {
        this.path = path;
        this.stream = stream;
    }

    /// <summary>The lock, or null if somebody holds it.</summary>
    public static LockFile? TryTake(string path)
    {
        // A process loses its record lock when it closes any handle of the file, so one that holds it must not try again.
        lock (TakenHere)
        {
            if (!TakenHere.Add(path))
                return null;
        }

        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
                stream.Lock(0, long.MaxValue);
            return new(path, stream);
        }
        catch (Exception e) when (IsTaken(e))
        {
            Release(path, stream);
            return null;
        }
        catch (Exception e)
        {
            Release(path, stream);
            if (e is UnauthorizedAccessException)
                throw new IOException(e.Message, e);
            throw;
        }
    }

    /// <summary>Gives the lock back. The file stays, as removing it would race with the next who takes it.</summary>
    public void Dispose() => Release(path, stream);

    // The base library tells "locked" from "cannot be opened" only by the number: EAGAIN or EACCES on Unix, a sharing or lock violation on Windows.
    private static bool IsTaken(Exception exception) =>
        exception is IOException { HResult: 11 or 13 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021) };

    private static void Release(string path, FileStream? stream)
    {
        stream?.Dispose();
        lock (TakenHere)
            TakenHere.Remove(path);
    }
}
