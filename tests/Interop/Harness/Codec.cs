namespace Milena.Interop.Harness;

/// <summary>The codecs by the names that all clients share.</summary>
internal static class Codec
{
    public const string None = "none";
    public const string Gzip = "gzip";
    public const string Snappy = "snappy";
    public const string Lz4 = "lz4";
    public const string Zstd = "zstd";

    public static IReadOnlyList<string> All { get; } = [None, Gzip, Snappy, Lz4, Zstd];
}
