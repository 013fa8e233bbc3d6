namespace Milena.Bench.Measuring;

/// <summary>
/// Sees to it that what is written next goes to memory that the machine really has. A virtual machine gives free memory back to its
/// host, and getting it again costs three times what the write itself does; whoever writes first would pay for both.
/// </summary>
internal static class PageCache
{
    private const int ChunkBytes = 128 * 1024;

    /// <summary>Fills so many bytes of the page cache, and frees them again.</summary>
    public static void Warm(string directory, long bytes)
    {
        var path = Path.Combine(directory, "warm");
        var chunk = new byte[ChunkBytes];
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite))
        {
            for (var position = 0L; position < bytes; position += chunk.Length)
                RandomAccess.Write(file, chunk, position);
        }

        File.Delete(path);
    }

    /// <summary>Waits until nothing is left in the directory of logs that were deleted, so that their removal is not measured.</summary>
    public static void AwaitDeletions(string directory)
    {
        while (Directory.Exists(directory) && Directory.EnumerateDirectories(directory, "*-delete").Any())
            Thread.Sleep(10);
    }
}
