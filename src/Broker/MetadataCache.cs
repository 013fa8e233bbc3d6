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

    public void Publish(MetadataImage next) => image = next;
}
