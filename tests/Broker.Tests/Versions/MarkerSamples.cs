using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>Requests about the producers of partitions. See <see cref="Samples"/>.</summary>
internal static class MarkerSamples
{
    public static IEnumerable<Sample> All(TestTopic topic)
    {
        yield return Sample.Of("no markers", _ => new WriteTxnMarkersRequest());
        yield return Sample.Of("markers", version => new WriteTxnMarkersRequest
        {
            Markers =
            [
                Marker(version, topic.Name, 0, 99), Marker(version, TestTopic.Unknown.Name, 0), Marker(version, "__consumer_offsets", 0, 1),
            ],
        });
        yield return Sample.Of("producers", _ => new DescribeProducersRequest
        {
            Topics =
            [
                new() { Name = topic.Name, PartitionIndexes = [0, 99] }, new() { Name = TestTopic.Unknown.Name, PartitionIndexes = [0] },
            ],
        });
    }

    private static WriteTxnMarkersRequest.WritableTxnMarker Marker(short version, string topic, params int[] partitions) => new()
    {
        ProducerId = 777,
        ProducerEpoch = 1,
        TransactionResult = true,
        CoordinatorEpoch = 3,
        TransactionVersion = version >= 2 ? (sbyte)2 : (sbyte)0,
        Topics = [new() { Name = topic, PartitionIndexes = partitions }],
    };
}
