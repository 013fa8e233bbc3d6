using Milena.Broker.Controllers;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker;

/// <summary>The first start of a cluster: what <c>kafka-storage format</c> would have left, and the first records of the log.</summary>
internal static class Bootstrapping
{
    /// <summary>
    /// Writes what an empty metadata log must begin with. A directory that Apache Kafka formatted brings the records along in
    /// <c>bootstrap.checkpoint</c>; otherwise that file is written too, so that its tools see a formatted directory.
    /// </summary>
    public static async Task Run(ControllerService controller, MetadataImage image, BrokerConfig config, LogManager logs, TimeProvider time)
    {
        if (image.Features.Finalized.Count > 0)
            return;
        var directory = Path.GetFullPath(config.MetadataLogDir);
        var file = Path.Combine(directory, Bootstrap.FileName);
        var records = File.Exists(file) ? SnapshotContent.Read(File.ReadAllBytes(file)).Records : Bootstrap.Records();
        if (!File.Exists(file))
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            foreach (var formatted in Bootstrap.Files(FormatLayout.BootstrapFile, records, voters: null, nowMs))
                File.WriteAllBytes(Path.Combine(directory, formatted.Path), formatted.Bytes.Span);
        }

        var written = await controller.Execute(
            (_, _, _) => new Decision<bool, IMetadataRecord>(true, [.. records]),
            _ => false);
        if (!written)
            throw new IOException($"the metadata log in {logs.LogDirs[0].Path} cannot be written");
    }
}
