namespace Milena.Storage;

/// <summary>
/// A file of a segment that is opened when it is first needed and may be closed again when it has not been needed for a while, so
/// that ten thousand idle partitions hold no handles. All methods may be called from several threads at once.
/// </summary>
internal sealed class LazyFile(PartitionDirectory directory, long baseOffset, string suffix)
{
    private IFile? file;
    private bool usedSinceCheck;
    private volatile bool isRemoved;

    public string Path => directory.PathOf(baseOffset, suffix) + (isRemoved ? LogFileNames.Deleted : "");

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
                Forget(open); // closed as idle at this very moment
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
                Forget(open);
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

    /// <summary>Closes the file if it has not been used since the last call. It opens again by itself.</summary>
    public void CloseIfIdle()
    {
        if (usedSinceCheck)
            usedSinceCheck = false;
        else
            Close();
    }

    /// <summary>Closes the file. It opens again if it is used again.</summary>
    public void Close() => Interlocked.Exchange(ref file, null)?.Dispose();

    /// <summary>Takes the file out of the log, by its name: what still reads it may go on.</summary>
    public void MarkRemoved()
    {
        lock (directory.Names)
        {
            var path = directory.PathOf(baseOffset, suffix);
            if (!isRemoved && directory.Files.FileExists(path))
                directory.Files.Rename(path, path + LogFileNames.Deleted);
            isRemoved = true;
        }
    }

    /// <summary>The file is about to go with its directory.</summary>
    public void Forsake() => isRemoved = true;

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
                Forget(open);
            }
        }
    }

    private void Forget(IFile closed) => Interlocked.CompareExchange(ref file, null, closed);

    private IFile Opened(bool create)
    {
        if (!usedSinceCheck)
            usedSinceCheck = true;
        return Volatile.Read(ref file) ?? Open(create);
    }

    private IFile Open(bool create)
    {
        lock (directory.Names)
        {
            if (file is { } open)
                return open;
            open = directory.Files.Open(Path, create && !isRemoved);
            Volatile.Write(ref file, open);
            return open;
        }
    }
}
