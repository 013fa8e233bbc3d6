using Microsoft.Extensions.Logging;
using Milena.Broker.Controllers;
using Milena.Broker.Quorum;
using Milena.Metadata.Controllers;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker;

/// <summary>The first start of a cluster: what <c>kafka-storage format</c> would have left, and the first records of the log.</summary>
internal static class Bootstrapping
{
    /// <summary>
    /// Makes the controller active: writes what an empty metadata log must begin with, and puts right what an earlier controller left.
    /// Throws <see cref="BrokerStartException"/> if the cluster is at levels that this build does not know.
    /// </summary>
    /// <param name="controller">The controller.</param>
    /// <param name="bootstrap">What <see cref="ReadOrWrite"/> found.</param>
    /// <param name="log">The metadata log.</param>
    /// <param name="logger">Features that are lowered.</param>
    public static async Task Activate(
        ControllerService controller, IReadOnlyList<IMetadataRecord> bootstrap, PartitionLog log, ILogger logger)
    {
        var activation = await controller.Execute(
            (decisions, image, _) => decisions.Activate(image, bootstrap),
            error => new Activation([], $"it cannot be written: {error.Message()}"));
        if (activation.Refusal is { } refusal)
            throw new BrokerStartException($"the metadata log in {log.LogDir} cannot be used: {refusal}");
        if (activation.Lowered.Count > 0)
            Log.FeaturesLowered(logger, string.Join(", ", activation.Lowered));
    }

    /// <summary>
    /// The records with which an empty metadata log begins. A directory that Apache Kafka formatted brings them along in
    /// <c>bootstrap.checkpoint</c> or, from 4.4 on, in the snapshot of offset 0; in any other, that file is written, so that Kafka's tools
    /// see a formatted directory.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">The log directory of the metadata log.</param>
    /// <param name="start">What else is there.</param>
    /// <param name="nowMs">The time.</param>
    public static IReadOnlyList<IMetadataRecord> ReadOrWrite(IFileSystem files, string directory, QuorumStart start, long nowMs)
    {
        if (start.Formatted is { Records.Count: > 0 } formatted)
            return formatted.Records;
        if (files.ReadAllOrNull(Path.Combine(directory, Bootstrap.FileName)) is { } bytes)
            return SnapshotContent.Read(bytes).Records;
        var records = Bootstrap.Records();
        foreach (var file in Bootstrap.Files(FormatLayout.BootstrapFile, records, voters: null, nowMs))
            files.ReplaceDurably(Path.Combine(directory, file.Path), file.Bytes.Span);
        return records;
    }
}
