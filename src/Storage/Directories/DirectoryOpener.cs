using Milena.Common;

namespace Milena.Storage;

/// <summary>A log directory that is ours: locked, and known to belong to this node.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Lock">Held as long as the process uses it; null if it failed before it could be taken.</param>
/// <param name="WasClean">The last shutdown was in order.</param>
/// <param name="BrokerEpoch">The broker's epoch then, -1 if it is not known.</param>
internal sealed record OpenDirectory(LogDirectory Directory, IDisposable? Lock, bool WasClean, long BrokerEpoch);

/// <summary>
/// Takes the log directories of a node: locks them, and reads whose they are or writes it if they are new. What the user must mend is a
/// <see cref="LogDirectoryException"/>; a disk that fails costs the directory, as long as there is another.
/// </summary>
internal sealed class DirectoryOpener(LogManagerOptions options, Func<string, LogDirectory> create, Random random)
{
    private const string LockName = ".lock";

    private readonly List<OpenDirectory> opened = [];

    /// <summary>The directories in the order of the options, and the cluster's id.</summary>
    public (IReadOnlyList<OpenDirectory> Directories, string ClusterId) Open()
    {
        try
        {
            var paths = options.LogDirs.Append(options.MetadataLogDir ?? options.LogDirs[0]).Select(Path.GetFullPath).Distinct().ToList();
            var identities = paths.ToDictionary(path => path, Lock);
            var clusterId = options.ClusterId
                ?? identities.Values.Select(identity => identity?.ClusterId).FirstOrDefault(id => id is not null)
                ?? Uuid.Next(random).ToString();
            foreach (var directory in opened)
                directory.Directory.Try(() => Identify(directory.Directory, identities[directory.Directory.Path], clusterId));
            if (opened.All(directory => directory.Directory.IsOffline))
            {
                var reasons = string.Join("; ", opened.Select(directory => directory.Directory.Failure!.Message));
                throw new LogDirectoryException($"none of the log directories can be used: {reasons}", opened[0].Directory.Failure);
            }

            return (opened, clusterId);
        }
        catch
        {
            foreach (var directory in opened)
                directory.Lock?.Dispose();
            throw;
        }
    }

    private MetaProperties? Lock(string path)
    {
        var directory = create(path);
        IDisposable? held = null;
        MetaProperties? properties = null;
        var (wasClean, brokerEpoch) = (false, -1L);
        directory.Try(() =>
        {
            directory.Files.CreateDirectory(path);
            held = directory.Files.TryLock(directory.PathOf(LockName))
                ?? throw new LogDirectoryException($"{path} is in use by another process, which holds its {LockName}");
            opened.Add(new(directory, held, false, -1)); // so that the lock is given back whatever comes next
            properties = MetaProperties.Read(directory.Files, path);
            (wasClean, brokerEpoch) = CleanShutdownFile.Take(directory.Files, path);
        });
        if (held is not null)
            opened.RemoveAt(opened.Count - 1);
        opened.Add(new(directory, held, wasClean, brokerEpoch));
        return properties;
    }

    private void Identify(LogDirectory directory, MetaProperties? known, string clusterId)
    {
        if (known?.ClusterId is { } otherCluster && otherCluster != clusterId)
            throw new LogDirectoryException($"{directory.Path} belongs to cluster {otherCluster}, not to {clusterId}");
        if (known?.NodeId is { } otherNode && otherNode != options.NodeId)
            throw new LogDirectoryException($"{directory.Path} belongs to node {otherNode}, not to {options.NodeId}");
        directory.Id = known?.DirectoryId ?? Uuid.Next(random);
        var complete = new MetaProperties(clusterId, options.NodeId, directory.Id);
        if (known != complete)
            complete.Write(directory.Files, directory.Path);
    }
}
