using System.Globalization;
using System.Text;
using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// The file <c>meta.properties</c> of a log directory: which cluster and node it belongs to, and its own id. Version 0 is from the
/// time of ZooKeeper, names the node <c>broker.id</c> and has no directory id.
/// </summary>
/// <param name="ClusterId">The cluster's id, null if the file does not say.</param>
/// <param name="NodeId">The node's id, null if the file does not say.</param>
/// <param name="DirectoryId">The directory's id, null if the file does not say.</param>
public sealed record MetaProperties(string? ClusterId, int? NodeId, Uuid? DirectoryId)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "meta.properties";

    private const int CurrentVersion = 1;

    /// <summary>
    /// Reads the file of a directory; null if it has none. Throws <see cref="CorruptFileException"/> if it is malformed.
    /// </summary>
    public static MetaProperties? Read(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        return files.ReadTextOrNull(path) is { } text ? Parse(path, text) : null;
    }

    /// <summary>Replaces the file, durably. All three must be known.</summary>
    internal void Write(IFileSystem files, string directory)
    {
        var text = new StringBuilder("#\n");
        text.Append("node.id=").Append(NodeId!.Value.ToString(CultureInfo.InvariantCulture)).Append('\n');
        text.Append("directory.id=").Append(DirectoryId!.Value.ToString()).Append('\n');
        text.Append("version=").Append(CurrentVersion.ToString(CultureInfo.InvariantCulture)).Append('\n');
        text.Append("cluster.id=").Append(Escape(ClusterId!)).Append('\n');
        files.ReplaceDurably(Path.Combine(directory, FileName), text.ToString());
    }

    private static MetaProperties Parse(string path, string text)
    {
        var properties = ReadProperties(text);
        if (!properties.TryGetValue("version", out var versionText) || !int.TryParse(versionText, CultureInfo.InvariantCulture, out var version))
            throw new CorruptFileException(path, "there is no version");
        if (version is < 0 or > CurrentVersion)
            throw new CorruptFileException(path, $"version {version} is not known");

        var clusterId = properties.GetValueOrDefault("cluster.id");
        int? nodeId = null;
        if (properties.TryGetValue(version == 0 ? "broker.id" : "node.id", out var nodeText))
        {
            nodeId = int.TryParse(nodeText, CultureInfo.InvariantCulture, out var id)
                ? id
                : throw new CorruptFileException(path, $"'{nodeText}' is not the id of a node");
        }

        Uuid? directoryId = null;
        if (properties.TryGetValue("directory.id", out var directoryText))
        {
            directoryId = Uuid.TryParse(directoryText, out var id)
                ? id
                : throw new CorruptFileException(path, $"'{directoryText}' is not the id of a directory");
        }

        return version == 0 || (clusterId is not null && nodeId is not null)
            ? new(clusterId, nodeId, directoryId)
            : throw new CorruptFileException(path, "version 1 needs cluster.id and node.id");
    }

    // As much of Java's properties format as these keys and values can need: comments, either separator, blanks, escapes.
    private static Dictionary<string, string> ReadProperties(string text)
    {
        var properties = new Dictionary<string, string>();
        foreach (var rawLine in text.Split('\n'))
        {
            var line = rawLine.Trim();
            if (line.Length == 0 || line[0] is '#' or '!')
                continue;
            var separator = line.IndexOfAny(['=', ':']);
            var key = separator < 0 ? line : line[..separator].TrimEnd();
            var value = separator < 0 ? "" : line[(separator + 1)..].TrimStart();
            properties[key] = Unescape(value);
        }

        return properties;
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\").Replace("=", "\\=").Replace(":", "\\:").Replace("#", "\\#").Replace("!", "\\!");

    private static string Unescape(string value)
    {
        if (!value.Contains('\\'))
            return value;
        var text = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '\\' && i + 1 < value.Length)
                i++;
            text.Append(value[i]);
        }

        return text.ToString();
    }
}
