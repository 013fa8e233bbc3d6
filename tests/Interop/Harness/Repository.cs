using System.Runtime.CompilerServices;

namespace Milena.Interop.Harness;

/// <summary>Where things lie in the source tree.</summary>
internal static class Repository
{
    public static string Interop { get; } = Here();

    public static string Root { get; } = Path.GetFullPath(Path.Combine(Interop, "..", ".."));

    /// <summary>The drivers of clients that others wrote, and their npm packages.</summary>
    public static string Drivers { get; } = Path.Combine(Interop, "drivers");

    private static string Here([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, ".."));
}
