using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Placement;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>
/// What the active controller decides. Every method reads an image and a request and returns the answer and the records that
/// make it true; it changes nothing. The lane that owns it appends the records, applies them, and answers when they are
/// committed. The image it is given must tell the end of its log (<see cref="MetadataImage.EndOffset"/>), because the epoch of a
/// broker is the offset at which it registered.
/// </summary>
/// <remarks>
/// The only thing it remembers is which brokers it has heard of, since that is not in the log: <see cref="BrokerSessions"/>. A
/// controller that becomes active begins with a new instance of this class.
/// </remarks>
/// <param name="config">The static configuration of the controller's node.</param>
/// <param name="clusterId">The id that registering brokers must have.</param>
public sealed partial class Controller(BrokerConfig config, string clusterId)
{
    /// <summary>The most partitions that one request may create.</summary>
    public const int PartitionsPerRequestMax = 10_000;

    /// <summary>The most records that one request of a user may lead to.</summary>
    public const int RecordsPerRequestMax = 10_000;

    /// <summary>How many producer ids a broker is given at a time.</summary>
    public const int ProducerIdBlockSize = 1000;

    private static readonly ApiError TooManyPartitions =
        new(ErrorCode.PolicyViolation, "Excessively large number of partitions per request.");

    private static readonly ApiError TooManyRecords =
        new(ErrorCode.PolicyViolation, "Unable to perform excessively large batch operation.");

    /// <summary>The brokers that were heard of.</summary>
    internal BrokerSessions Sessions { get; } = new(config.GetInt("broker.session.timeout.ms"));

    /// <summary>ProducerIds (67): gives a broker the next block of producer ids.</summary>
    public Decision<AllocateProducerIdsResponse, IMetadataRecord> AllocateProducerIds(MetadataImage image, AllocateProducerIdsRequest request)
    {
        if (!image.Brokers.TryGetValue(request.BrokerId, out var broker) || broker.Epoch != request.BrokerEpoch)
            return new(new AllocateProducerIdsResponse { ErrorCode = ErrorCode.StaleBrokerEpoch });
        if (image.NextProducerId > long.MaxValue - ProducerIdBlockSize)
            return new(new AllocateProducerIdsResponse { ErrorCode = ErrorCode.UnknownServerError });
        var record = new ProducerIdsRecord
        {
            BrokerId = request.BrokerId,
            BrokerEpoch = request.BrokerEpoch,
            NextProducerId = image.NextProducerId + ProducerIdBlockSize,
        };
        var response = new AllocateProducerIdsResponse { ProducerIdStart = image.NextProducerId, ProducerIdLen = ProducerIdBlockSize };
        return new(response, record);
    }

    private static UsableBroker[] UsableBrokers(MetadataImage image) => [.. image.Brokers.Values
        .Where(broker => !broker.IsInControlledShutdown)
        .Select(broker => new UsableBroker(broker.Id, broker.Rack, broker.IsFenced))];

    private static bool IsActive(MetadataImage image, int brokerId) =>
        image.Brokers.TryGetValue(brokerId, out var broker) && broker.IsActive;
}
