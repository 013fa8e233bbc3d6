namespace Milena.Storage.Tests;

/// <summary>A disk as one process sees it. Once that has been killed, nothing it does reaches the disk any more.</summary>
internal sealed class ProcessDisk(MemoryFileSystem disk) : IFileSystem
{
    private volatile bool isDead;

    public void Kill() => isDead = true;

    public IFile Open(string path, bool create) => new ProcessFile(this, Alive().Open(path, create));

    public bool FileExists(string path) => Alive().FileExists(path);

    public long FileSize(string path) => Alive().FileSize(path);

    public DateTimeOffset LastWritten(string path) => Alive().LastWritten(path);

    public void SetLastWritten(string path, DateTimeOffset time) => Alive().SetLastWritten(path, time);

    public IReadOnlyList<string> ListFiles(string directory) => Alive().ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => Alive().ListDirectories(directory);

    public void CreateDirectory(string path) => Alive().CreateDirectory(path);

    public void Rename(string from, string to) => Alive().Rename(from, to);

    public void DeleteFile(string path) => Alive().DeleteFile(path);

    public void DeleteDirectory(string path) => Alive().DeleteDirectory(path);

    public void SyncDirectory(string path) => Alive().SyncDirectory(path);

    public IDisposable? TryLock(string path) => Alive().TryLock(path);

    public (long TotalBytes, long UsableBytes) Space(string directory) => Alive().Space(directory);

    private MemoryFileSystem Alive() => isDead ? throw new IOException("the process is dead") : disk;

    private sealed class ProcessFile(ProcessDisk process, IFile file) : IFile
    {
        public long Size => Alive().Size;

        public int Read(long position, Span<byte> destination) => Alive().Read(position, destination);

        public void Write(long position, ReadOnlySpan<byte> bytes) => Alive().Write(position, bytes);

        public void SetSize(long size) => Alive().SetSize(size);

        public void Sync() => Alive().Sync();

        public void Dispose() => file.Dispose();

        private IFile Alive() => process.isDead ? throw new IOException("the process is dead") : file;
    }
}
