using System.Globalization;

namespace Milena.Storage;

/// <summary>
/// A file of a segment that is opened when it is first needed and may be closed again when it has not been needed for a while, so
/// that ten thousand idle partitions hold no handles. All methods may be called from several threads at once.
/// </summary>
/// <param name="directory">Where it is.</param>
/// <param name="baseOffset">The segment's base offset.</param>
/// <param name="kind">What it is, such as ".log".</param>
/// <param name="stage">".cleaned" while compaction writes it.</param>
internal sealed class LazyFile(PartitionDirectory directory, long baseOffset, string kind, string stage = "")
{
    private volatile string suffix = kind + stage; // changed under the lock of names, along with the name on the disk
    private IFile? file;
    private bool usedSinceCheck;
    private volatile bool isRemoved;
    private int isQueued;

    public string Path => directory.PathOf(baseOffset, suffix);

    /// <summary>True from the moment the file no longer belongs to the log. Until it is gone from the disk it can still be read.</summary>
    public bool IsRemoved => isRemoved;

    public bool Exists => Volatile.Read(ref file) is not null || directory.Files.FileExists(Path);

    public long Size => Use(create: false, static (open, _) => open.Size, 0);

    public DateTimeOffset LastWritten => directory.Files.LastWritten(Path);

    /// <summary>Makes an empty file if there is none.</summary>
    public void Create() => Use(create: true, static (_, _) => 0, 0);

    /// <summary>Fills the destination, or throws <see cref="EndOfStreamException"/>.</summary>
    public void ReadExactly(long position, Span<byte> destination)
    {
        if (Read(position, destination) < destination.Length)
            throw new EndOfStreamException($"{Path} has no {destination.Length} bytes at {position}");
    }

    /// <summary>Reads what is there, up to the size of the destination.</summary>
    public int Read(long position, Span<byte> destination)
    {
        while (true)
        {
            var open = Opened(create: false);
            try
            {
                return open.Read(position, destination);
            }
            catch (ObjectDisposedException)
            {
                // closed as idle at this very moment
            }
        }
    }

    /// <summary>Writes all bytes, or throws after any part of them.</summary>
    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var open = Opened(create: true);
            try
            {
                open.Write(position, bytes);
                return;
            }
            catch (ObjectDisposedException)
            {
                // closed as idle at this very moment
            }
        }
    }

    public void SetSize(long size) => Use(
        create: true,
        static (open, size) =>
        {
            open.SetSize(size);
            return 0;
        },
        size);

    public void Sync() => Use(
        create: false,
        static (open, _) =>
        {
            open.Sync();
            return 0;
        },
        0);

    public bool IsOpen => Volatile.Read(ref file) is not null;

    /// <summary>
    /// Closes the file if it has not been used since the last call, or in any case. Returns whether it was open and is closed now.
    /// </summary>
    public bool CloseIfIdle(bool evenIfUsed = false)
    {
        if (!usedSinceCheck || evenIfUsed)
            return Close();
        usedSinceCheck = false;
        return false;
    }

    /// <summary>Closes the file, which opens again if it is used again. Returns whether it was open.</summary>
    public bool Close()
    {
        if (Interlocked.Exchange(ref file, null) is not { } open)
            return false;
        open.Dispose();
        directory.OpenFiles.Remove();
        return true;
    }

    /// <summary>Takes the file out of the log, by its name: what still reads it may go on.</summary>
    public void MarkRemoved()
    {
        lock (directory.Names)
        {
            if (isRemoved)
                return;
            // Compaction may take files of the same name out of the log before those that it took out before are gone.
            var removed = suffix + LogFileNames.Deleted;
            for (var i = 2; directory.Files.FileExists(directory.PathOf(baseOffset, removed)); i++)
                removed = string.Create(CultureInfo.InvariantCulture, $"{suffix}.{i}{LogFileNames.Deleted}");
            if (directory.Files.FileExists(Path))
                directory.Files.Rename(Path, directory.PathOf(baseOffset, removed));
            suffix = removed;
            isRemoved = true;
        }
    }

    /// <summary>Renames the file to its next stage, which is "" once it belongs to the log. A file of that name is replaced.</summary>
    public void EnterStage(string nextStage)
    {
        lock (directory.Names)
        {
            directory.Files.Rename(Path, directory.PathOf(baseOffset, kind + nextStage));
            suffix = kind + nextStage;
        }
    }

    /// <summary>The file is about to go with its directory.</summary>
    public void Forsake()
    {
        lock (directory.Names)
        {
            suffix += LogFileNames.Deleted; // nobody opens it any more
            isRemoved = true;
        }
    }

    /// <summary>Removes the file from the disk. Who reads it afterwards gets an <see cref="IOException"/>.</summary>
    public void Delete()
    {
        lock (directory.Names)
        {
            directory.Files.DeleteFile(Path);
            isRemoved = true;
            Close();
        }
    }

    /// <summary>Notes that the file stands in the queue of open files; false if it does already.</summary>
    public bool TryMarkQueued() => Interlocked.Exchange(ref isQueued, 1) == 0;

    /// <summary>Notes that the file does not stand in the queue of open files any more.</summary>
    public void UnmarkQueued() => Volatile.Write(ref isQueued, 0);

    private TResult Use<TResult>(bool create, Func<IFile, long, TResult> action, long argument)
    {
        while (true)
        {
            var open = Opened(create);
            try
            {
                return action(open, argument);
            }
            catch (ObjectDisposedException)
            {
                // closed as idle at this very moment
            }
        }
    }

    private IFile Opened(bool create)
    {
        if (!usedSinceCheck)
            usedSinceCheck = true;
        return Volatile.Read(ref file) ?? Open(create);
    }

    private IFile Open(bool create)
    {
        IFile open;
        lock (directory.Names)
        {
            if (file is { } already)
                return already;
            open = directory.Files.Open(Path, create && !isRemoved);
            Volatile.Write(ref file, open);
        }

        directory.OpenFiles.Add(this);
        return open;
    }
}
