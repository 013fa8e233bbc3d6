using System.Text;

namespace Milena.Storage;

/// <summary>Whole small files, read and replaced at once.</summary>
public static class FileSystemExtensions
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>All bytes of a file, or null if it is missing.</summary>
    public static byte[]? ReadAllOrNull(this IFileSystem files, string path)
    {
        IFile file;
        try
        {
            file = files.Open(path, create: false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        using (file)
        {
            var bytes = new byte[file.Size];
            if (file.Read(0, bytes) != bytes.Length)
                throw new EndOfStreamException($"{path} became shorter while it was read");
            return bytes;
        }
    }

    /// <summary>The text of a file, or null if it is missing.</summary>
    public static string? ReadTextOrNull(this IFileSystem files, string path) =>
        files.ReadAllOrNull(path) is { } bytes ? Utf8.GetString(bytes) : null;

    /// <summary>
    /// Replaces a file so that after a crash either the old or the new one is there, whole: a file beside it, synced, renamed over it,
    /// and the directory synced.
    /// </summary>
    public static void ReplaceDurably(this IFileSystem files, string path, string text) =>
        files.ReplaceDurably(path, Utf8.GetBytes(text));

    /// <summary>The same with bytes.</summary>
    public static void ReplaceDurably(this IFileSystem files, string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = path + ".tmp";
        using (var file = files.Open(temporary, create: true))
        {
            file.SetSize(0); // one may be left from a crash
            file.Write(0, bytes);
            file.Sync();
        }

        files.Rename(temporary, path);
        files.SyncDirectory(Path.GetDirectoryName(path)!);
    }
}

/// <summary>
/// A file of a log directory does not hold what it must. An <see cref="IOException"/>, because it has the same consequence as a disk
/// that fails: the directory goes offline rather than guess.
/// </summary>
public sealed class CorruptFileException(string path, string what) : IOException($"{path}: {what}")
{
    /// <summary>Which file.</summary>
    public string FilePath { get; } = path;
}
