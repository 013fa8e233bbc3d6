namespace Milena.Interop.Harness;

/// <summary>The program under test: what <c>MILENA_EXECUTABLE</c> names (the native one, in <c>./test</c>), else this build's own.</summary>
internal static class Executable
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("MILENA_EXECUTABLE") is { Length: > 0 } named)
            return System.IO.Path.GetFullPath(named, Repository.Root);

        // tests/Interop/bin/Debug/net10.0 has its twin in src/Milena/bin/Debug/net10.0.
        var here = System.IO.Path.GetRelativePath(Repository.Interop, AppContext.BaseDirectory);
        return System.IO.Path.Combine(Repository.Root, "src/Milena", here, "milena");
    }
}
