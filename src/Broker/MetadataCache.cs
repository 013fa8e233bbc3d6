using Milena.Metadata.Features;
using Milena.Metadata.Images;

namespace Milena.Broker;

/// <summary>
/// The committed image of the cluster's metadata that this broker answers from. Replaced as a whole by whoever follows the
/// metadata log; read by any thread.
/// </summary>
internal sealed class MetadataCache
{
    private volatile MetadataImage image = MetadataImage.Empty;

    public MetadataImage Image => image;

    /// <summary>When the last record of it was written, ms since 1970; -1 before there was one in this life.</summary>
    public long TimestampMs { get; set; } = -1;

    /// <summary>The level of kraft.version, which lives in the quorum's own records and not in the image.</summary>
    public short KRaftVersion { get; set; }

    /// <summary>The levels that the cluster has agreed on, by name; what is at level 0 is left out.</summary>
    public IEnumerable<KeyValuePair<string, short>> FinalizedFeatures => KRaftVersion > 0
        ? Image.Features.Finalized.Prepend(KeyValuePair.Create(FeatureNames.KRaftVersion, KRaftVersion))
        : Image.Features.Finalized;

    public void Publish(MetadataImage next) => image = next;
}
