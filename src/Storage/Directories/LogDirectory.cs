using Microsoft.Extensions.Logging;
using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// What the logs of one directory share: its path and disk, whether it still works, the threads that sync it, and the files that
/// wait to be removed. A directory that has failed stays offline until the process ends.
/// </summary>
internal sealed class LogDirectory(string path, IFileSystem files, TimeProvider time, ILogger logger, Random random, OpenFiles openFiles)
{
    private IOException? failure;

    public string Path { get; } = path;

    public IFileSystem Files { get; } = files;

    public TimeProvider Time { get; } = time;

    public ILogger Logger { get; } = logger;

    /// <summary>From <c>meta.properties</c>; zero until that has been read.</summary>
    public Uuid Id { get; set; }

    public SyncThreads SyncThreads { get; } = new(System.IO.Path.GetFileName(path));

    /// <summary>Shared by all directories of a node.</summary>
    public OpenFiles OpenFiles { get; } = openFiles;

    public DelayedDeletes DelayedDeletes { get; } = new();

    /// <summary>Why it is offline; null as long as it works.</summary>
    public IOException? Failure => Volatile.Read(ref failure);

    public bool IsOffline => Failure is not null;

    /// <summary>How many logs it holds; new ones go where there are fewest.</summary>
    public int LogCount { get; set; }

    /// <summary>
    /// Called once, when the directory fails, from whatever thread met the error; must not wait for a log. Null until all directories are
    /// open: whoever opens them says what has failed by then.
    /// </summary>
    public Action<LogDirectory, IOException>? Failed { get; set; }

    /// <summary>
    /// Called when the recovery point of a log has moved back: returns when no checkpoint promises more. Throws nothing; if it cannot, the
    /// directory is offline.
    /// </summary>
    public Action? RecoveryPointsMoved { get; set; }

    /// <summary>Told how long each sync of a log has taken; null for nobody.</summary>
    public Action<TimeSpan>? Synced { get; set; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The disk has failed under a log of this directory: nothing of it is served or acknowledged any more.</summary>
    public void Fail(IOException cause)
    {
        if (Interlocked.CompareExchange(ref failure, cause, null) is not null)
            return;
        if (Failed is not { } failed)
            return;
        Log.DirectoryFailed(Logger, Path, cause.Message);
        failed(this, cause);
    }

    /// <summary>Does something with the disk; false if that fails, or has failed before.</summary>
    public bool Try(Action action)
    {
        if (IsOffline)
            return false;
        try
        {
            action();
            return true;
        }
        catch (IOException e)
        {
            Fail(e);
            return false;
        }
    }

    /// <summary>A random part of a span of time.</summary>
    public long Jitter(long maxMs)
    {
        if (maxMs <= 0)
            return 0;
        lock (random)
            return random.NextInt64(maxMs);
    }
}
