namespace Milena.Storage;

/// <summary>
/// The edge between the log and the disk, behind which tests put full disks, I/O errors and power cuts. Everything fails with
/// <see cref="IOException"/> and nothing else. Paths are absolute.
/// </summary>
public interface IFileSystem
{
    /// <summary>
    /// Opens a file for reading and writing at positions. <see cref="FileNotFoundException"/> if it is missing and
    /// <paramref name="create"/> is false.
    /// </summary>
    IFile Open(string path, bool create);

    /// <summary>Whether there is a file of that name.</summary>
    bool FileExists(string path);

    /// <summary>The size of a file in bytes, without opening it.</summary>
    long FileSize(string path);

    /// <summary>When the file was last written to.</summary>
    DateTimeOffset LastWritten(string path);

    /// <summary>Sets when a file was last written to.</summary>
    void SetLastWritten(string path, DateTimeOffset time);

    /// <summary>The names (not paths) of the files in a directory, in no order.</summary>
    IReadOnlyList<string> ListFiles(string directory);

    /// <summary>The names (not paths) of the directories in a directory, in no order.</summary>
    IReadOnlyList<string> ListDirectories(string directory);

    /// <summary>Makes a directory and those above it; one that is there already is left as it is.</summary>
    void CreateDirectory(string path);

    /// <summary>Renames a file or directory; a file of the new name is replaced, in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; one that is missing is no error.</summary>
    void DeleteFile(string path);

    /// <summary>Removes a directory with everything in it; one that is missing is no error.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes names that were created, changed or removed in a directory survive a power cut.</summary>
    void SyncDirectory(string path);

    /// <summary>
    /// Takes a file as a lock that other processes respect, Apache Kafka among them; null if another holds it. Disposing gives it
    /// back.
    /// </summary>
    IDisposable? TryLock(string path);

    /// <summary>The size of the volume that holds the directory, and what of it may still be used, in bytes.</summary>
    (long TotalBytes, long UsableBytes) Space(string directory);
}

/// <summary>An open file. All methods may be called at once from several threads; a closed one throws <see cref="ObjectDisposedException"/>.</summary>
public interface IFile : IDisposable
{
    /// <summary>The size in bytes.</summary>
    long Size { get; }

    /// <summary>Reads what is there, up to the size of <paramref name="destination"/>; less only at the end of the file.</summary>
    int Read(long position, Span<byte> destination);

    /// <summary>Writes all bytes. After an exception any part of them may have been written.</summary>
    void Write(long position, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts the file, or extends it by zeros.</summary>
    void SetSize(long size);

    /// <summary>Returns when everything that was written before the call survives a power cut.</summary>
    void Sync();
}
