namespace Milena.Storage.Tests;

/// <summary>
/// A disk in memory that knows what a power cut may take: bytes that were not synced, page by page, and names that were created, changed
/// or removed since their directory was synced. <see cref="Crash"/> takes some of them, as a seed decides. Faults can be put in its way.
/// </summary>
internal sealed class MemoryFileSystem : IFileSystem
{
    private const int PageBytes = 512; // a disk's sector: the least that is written whole

    private readonly Lock gate = new();
    private readonly Dictionary<string, Node> names = [];
    private readonly HashSet<string> directories = ["/"];
    private readonly HashSet<string> locks = [];
    private readonly List<NameChange> unsyncedChanges = [];

    /// <summary>Asked before every operation with its kind and path; what it returns is thrown.</summary>
    public Func<string, string, IOException?>? Fault { get; set; }

    /// <summary>How much of a write that is refused reaches the file all the same.</summary>
    public Func<int, int> PartOfFailedWrite { get; set; } = _ => 0;

    /// <summary>How many files were synced, directories left out.</summary>
    public int Syncs { get; private set; }

    /// <summary>How many bytes were read.</summary>
    public long BytesRead { get; set; }

    /// <summary>How many files are open.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>Called within a sync, before it has done anything.</summary>
    public Action<string>? Syncing { get; set; }

    /// <summary>All files and their bytes, as a program sees them now.</summary>
    public IReadOnlyDictionary<string, byte[]> Contents
    {
        get
        {
            lock (gate)
                return names.ToDictionary(name => name.Key, name => name.Value.Current());
        }
    }

    public IFile Open(string path, bool create)
    {
        Check("open", path);
        lock (gate)
        {
            if (!names.TryGetValue(path, out var node))
            {
                if (!create)
                    throw new FileNotFoundException($"no file {path}");
                if (!directories.Contains(Parent(path)))
                    throw new DirectoryNotFoundException($"no directory {Parent(path)}");
                names[path] = node = new Node();
                unsyncedChanges.Add(new(path, null, node));
            }

            OpenFiles++;
            return new OpenFile(this, path, node);
        }
    }

    public bool FileExists(string path)
    {
        lock (gate)
            return names.ContainsKey(path);
    }

    public long FileSize(string path)
    {
        lock (gate)
            return names.TryGetValue(path, out var node) ? node.Size : throw new FileNotFoundException($"no file {path}");
    }

    /// <summary>Time stands still here, unless somebody says otherwise.</summary>
    public DateTimeOffset LastWritten(string path)
    {
        lock (gate)
            return names.TryGetValue(path, out var node) ? node.LastWritten : throw new FileNotFoundException($"no file {path}");
    }

    public void SetLastWritten(string path, DateTimeOffset time)
    {
        Check("settime", path);
        lock (gate)
            names[path].LastWritten = time;
    }

    public IReadOnlyList<string> ListFiles(string directory)
    {
        Check("list", directory);
        lock (gate)
            return [.. names.Keys.Where(path => Parent(path) == directory).Select(path => Path.GetFileName(path)!)];
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (gate)
            return [.. directories.Where(path => path != "/" && Parent(path) == directory).Select(path => Path.GetFileName(path)!)];
    }

    public void CreateDirectory(string path)
    {
        Check("mkdir", path);
        lock (gate)
        {
            for (var at = path; directories.Add(at) && at != "/"; at = Parent(at))
            {
                // those above as well
            }
        }
    }

    public void Rename(string from, string to)
    {
        Check("rename", from);
        lock (gate)
        {
            if (directories.Contains(from))
            {
                RenameDirectory(from, to);
                return;
            }

            var node = names.Remove(from, out var found) ? found : throw new FileNotFoundException($"no file {from}");
            names.TryGetValue(to, out var replaced);
            names[to] = node;
            unsyncedChanges.Add(new(to, replaced, node, from));
        }
    }

    public void DeleteFile(string path)
    {
        Check("delete", path);
        lock (gate)
        {
            if (names.Remove(path, out var node))
                unsyncedChanges.Add(new(path, node, null));
        }
    }

    public void DeleteDirectory(string path)
    {
        Check("delete", path);
        lock (gate)
        {
            foreach (var name in names.Keys.Where(name => name.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
                names.Remove(name);
            directories.RemoveWhere(name => name == path || name.StartsWith(path + "/", StringComparison.Ordinal));
        }
    }

    public void SyncDirectory(string path)
    {
        Check("syncdir", path);
        lock (gate)
            unsyncedChanges.RemoveAll(change => Parent(change.Path) == path);
    }

    public IDisposable? TryLock(string path)
    {
        Check("lock", path);
        lock (gate)
            return locks.Add(path) ? new Held(this, path) : null;
    }

    public (long TotalBytes, long UsableBytes) Space(string directory) => (1 << 30, 1 << 29);

    /// <summary>Writes a file as if it had always been there.</summary>
    public void Put(string path, byte[] bytes)
    {
        CreateDirectory(Parent(path));
        using (var file = Open(path, create: true))
        {
            file.SetSize(0);
            file.Write(0, bytes);
            file.Sync();
        }

        SyncDirectory(Parent(path));
    }

    /// <summary>
    /// The process dies, its locks with it. With <paramref name="powerCut"/>, so does part of what was not synced.
    /// </summary>
    public void Crash(Random random, bool powerCut)
    {
        lock (gate)
        {
            locks.Clear();
            if (!powerCut)
                return;
            // A journal keeps the order of changes in a directory, so what survives of them is a beginning.
            var reached = unsyncedChanges.Select(change => Parent(change.Path)).Distinct().ToDictionary(parent => parent, _ => random.Next(4) == 0);
            for (var i = unsyncedChanges.Count - 1; i >= 0; i--)
            {
                var change = unsyncedChanges[i];
                reached[Parent(change.Path)] |= random.Next(3) == 0;
                if (!reached[Parent(change.Path)])
                    Undo(change);
            }

            unsyncedChanges.Clear();
            foreach (var node in names.Values)
                node.Lose(random);
        }
    }

    private static string Parent(string path) => Path.GetDirectoryName(path)!;

    private void Undo(NameChange change)
    {
        if (change.RenamedFrom is { } from)
            names[from] = change.After!;
        if (change.Before is { } before)
            names[change.Path] = before;
        else
            names.Remove(change.Path);
    }

    private void RenameDirectory(string from, string to)
    {
        foreach (var name in names.Keys.Where(name => name.StartsWith(from + "/", StringComparison.Ordinal)).ToList())
        {
            names[to + name[from.Length..]] = names[name];
            names.Remove(name);
        }

        directories.Remove(from);
        directories.Add(to);
    }

    private void Check(string operation, string path)
    {
        if (Fault?.Invoke(operation, path) is { } failure)
            throw failure;
    }

    private sealed record NameChange(string Path, Node? Before, Node? After, string? RenamedFrom = null);

    private sealed class Held(MemoryFileSystem disk, string path) : IDisposable
    {
        public void Dispose()
        {
            lock (disk.gate)
                disk.locks.Remove(path);
        }
    }

    private sealed class OpenFile(MemoryFileSystem disk, string path, Node node) : IFile
    {
        private bool isClosed;

        public long Size
        {
            get
            {
                lock (disk.gate)
                    return Live().Size;
            }
        }

        public int Read(long position, Span<byte> destination)
        {
            disk.Check("read", path);
            lock (disk.gate)
            {
                var count = Live().Read(position, destination);
                disk.BytesRead += count;
                return count;
            }
        }

        public void Write(long position, ReadOnlySpan<byte> bytes)
        {
            var failure = disk.Fault?.Invoke("write", path);
            lock (disk.gate)
                Live().Write(position, failure is null ? bytes : bytes[..disk.PartOfFailedWrite(bytes.Length)]);
            if (failure is not null)
                throw failure;
        }

        public void SetSize(long size)
        {
            disk.Check("setsize", path);
            lock (disk.gate)
                Live().SetSize(size);
        }

        public void Sync()
        {
            disk.Syncing?.Invoke(path);
            disk.Check("sync", path);
            lock (disk.gate)
            {
                Live().Sync();
                disk.Syncs++;
            }
        }

        public void Dispose()
        {
            lock (disk.gate)
                disk.OpenFiles -= isClosed ? 0 : 1;
            isClosed = true;
        }

        private Node Live()
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            return node;
        }
    }

    /// <summary>The bytes of a file: as they are, and as they were when they were last synced.</summary>
    private sealed class Node
    {
        private byte[] bytes = [];
        private int size;
        private byte[] durable = [];
        private bool isDirty;

        public long Size => size;

        public DateTimeOffset LastWritten { get; set; } = DateTimeOffset.UnixEpoch;

        public byte[] Current() => bytes[..size];

        public int Read(long position, Span<byte> destination)
        {
            var count = (int)Math.Clamp(size - position, 0, destination.Length);
            bytes.AsSpan((int)Math.Min(position, size), count).CopyTo(destination);
            return count;
        }

        public void Write(long position, ReadOnlySpan<byte> source)
        {
            if (source.IsEmpty)
                return;
            Grow(Math.Max(size, (int)position + source.Length));
            source.CopyTo(bytes.AsSpan((int)position));
            isDirty = true;
        }

        public void SetSize(long newSize)
        {
            if (newSize < size)
                bytes.AsSpan((int)newSize, size - (int)newSize).Clear();
            Grow((int)newSize);
            isDirty = true;
        }

        public void Sync()
        {
            if (isDirty)
                durable = Current();
            isDirty = false;
        }

        public void Lose(Random random)
        {
            if (!isDirty)
                return;
            var lostSize = random.Next(3) switch
            {
                0 => durable.Length,
                1 => size,
                _ => random.Next(Math.Min(durable.Length, size), Math.Max(durable.Length, size) + 1),
            };
            var lost = new byte[lostSize];
            for (var page = 0; page < lostSize; page += PageBytes)
            {
                var keepsOld = random.Next(2) == 0 ? page < durable.Length : page >= size;
                var source = keepsOld ? durable.AsSpan() : bytes.AsSpan(0, size);
                var count = Math.Clamp(source.Length - page, 0, Math.Min(PageBytes, lostSize - page));
                if (count > 0)
                    source.Slice(page, count).CopyTo(lost.AsSpan(page));
            }

            (bytes, size, durable, isDirty) = (lost, lostSize, lost.ToArray(), false);
        }

        private void Grow(int newSize)
        {
            if (newSize > bytes.Length)
                Array.Resize(ref bytes, Math.Max(newSize, bytes.Length * 2));
            size = newSize;
        }
    }
}
