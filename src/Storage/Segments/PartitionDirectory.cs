namespace Milena.Storage;

/// <summary>Where a partition's files are. Its path changes once, when the partition is deleted.</summary>
internal sealed class PartitionDirectory(IFileSystem files, string path, OpenFiles openFiles)
{
    private volatile string path = path;

    public IFileSystem Files { get; } = files;

    public OpenFiles OpenFiles { get; } = openFiles;

    public string Path => path;

    /// <summary>Held while a file is opened or renamed, so that nobody looks for a file under the name it has just lost.</summary>
    public Lock Names { get; } = new();

    public string PathOf(long offset, string suffix) => System.IO.Path.Combine(path, LogFileNames.Of(offset, suffix));

    /// <summary>Renames the directory; files that are open stay open, the others are opened at the new place.</summary>
    public void MoveTo(string newPath)
    {
        lock (Names)
        {
            Files.Rename(path, newPath);
            path = newPath;
        }
    }
}
