using System.Runtime.InteropServices;

namespace Milena.Storage;

/// <summary>The machine's own disks.</summary>
public sealed class LocalFileSystem : IFileSystem
{
    /// <summary>The only one there is; it has no state.</summary>
    public static LocalFileSystem Instance { get; } = new();

    private LocalFileSystem()
    {
    }

    /// <inheritdoc/>
    public IFile Open(string path, bool create) => Translate(path, create, static (path, create) => new LocalFile(path, create));

    /// <inheritdoc/>
    public bool FileExists(string path) => File.Exists(path);

    /// <inheritdoc/>
    public long FileSize(string path) => Translate(path, 0, static (path, _) => new FileInfo(path).Length);

    /// <inheritdoc/>
    public DateTimeOffset LastWritten(string path) => Translate(path, 0, static (path, _) => new DateTimeOffset(File.GetLastWriteTimeUtc(path)));

    /// <inheritdoc/>
    public void SetLastWritten(string path, DateTimeOffset time) => Translate(path, time, static (path, time) =>
    {
        File.SetLastWriteTimeUtc(path, time.UtcDateTime);
        return true;
    });

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory) =>
        Translate(directory, 0, static (path, _) => Names(Directory.GetFiles(path)));

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory) =>
        Translate(directory, 0, static (path, _) => Names(Directory.GetDirectories(path)));

    /// <inheritdoc/>
    public void CreateDirectory(string path) => Translate(path, 0, static (path, _) => Directory.CreateDirectory(path));

    /// <inheritdoc/>
    public void Rename(string from, string to) => Translate(from, to, static (from, to) =>
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to, overwrite: true);
        return true;
    });

    /// <inheritdoc/>
    public void DeleteFile(string path) => Translate(path, 0, static (path, _) =>
    {
        File.Delete(path);
        return true;
    });

    /// <inheritdoc/>
    public void DeleteDirectory(string path) => Translate(path, 0, static (path, _) =>
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        return true;
    });

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        if (!OperatingSystem.IsWindows()) // there, names are part of the file system's own journal and cannot be synced
            UnixDirectory.Sync(path);
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string path) => LockFile.TryTake(path);

    /// <inheritdoc/>
    public (long TotalBytes, long UsableBytes) Space(string directory) => Translate(directory, 0, static (path, _) =>
    {
        var drive = new DriveInfo(path);
        return (drive.TotalSize, drive.AvailableFreeSpace);
    });

    private static string[] Names(string[] paths)
    {
        for (var i = 0; i < paths.Length; i++)
            paths[i] = Path.GetFileName(paths[i]);
        return paths;
    }

    // The base library says "no permission" with an exception of another family; to a log it is one of many ways a disk fails.
    private static TResult Translate<TArgument, TResult>(string path, TArgument argument, Func<string, TArgument, TResult> action)
    {
        try
        {
            return action(path, argument);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>The base library cannot open a directory, so the three calls are made directly.</summary>
    private static class UnixDirectory
    {
        private const int ReadOnly = 0;

        public static void Sync(string path)
        {
            var handle = Open(System.Text.Encoding.UTF8.GetBytes(path + '\0'), ReadOnly);
            if (handle < 0)
                throw Failure("open", path);
            var result = Fsync(handle);
            var failure = result < 0 ? Failure("sync", path) : null;
            _ = Close(handle); // nothing was written through it, so there is nothing that closing could lose
            if (failure is not null)
                throw failure;
        }

        private static IOException Failure(string verb, string path) =>
            new($"cannot {verb} the directory {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

        // Blittable signatures: no marshalling code is generated at run time, and no unsafe block is needed.
        [DllImport("libc", EntryPoint = "open", SetLastError = true)]
        private static extern int Open(byte[] path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
        private static extern int Fsync(int handle);

        [DllImport("libc", EntryPoint = "close")]
        private static extern int Close(int handle);
    }
}
