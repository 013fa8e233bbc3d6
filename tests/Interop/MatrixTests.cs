using System.Collections.Concurrent;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>Every client reads what every client wrote: keyed and not, in each codec, with and without a group.</summary>
public class MatrixTests(MatrixTests.Written written) : IClassFixture<MatrixTests.Written>
{
    public static TheoryData<string, string, bool> Pairs =>
    [
        .. from producer in AllClients.List
           from consumer in AllClients.List
           from inGroup in new[] { true, false }
           where inGroup || consumer.ReadsWithoutGroup
           select (producer.Name, consumer.Name, inGroup),
    ];

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task What_one_wrote_another_reads(string producer, string consumer, bool inGroup)
    {
        var reader = AllClients.Named(consumer);
        var topics = (await written.By(producer))
            .Where(topic => reader.CanRead(AllClients.Named(producer), topic.Codec)).ToDictionary(topic => topic.Name);
        Assert.NotEmpty(topics);

        var group = inGroup ? $"{consumer}-reads-{producer}" : null;
        var read = await reader.Read(written.Bootstrap, [.. topics.Keys], Written.RecordsEach, group);

        foreach (var records in read.GroupBy(record => record.Topic))
            Verify.IsWhatWasSent(topics[records.Key].Records, records);
        Assert.Equal(topics.Keys.Order(), read.Select(record => record.Topic).Distinct().Order());
    }

    /// <summary>What a producer wrote into one topic.</summary>
    public sealed record Topic(string Name, string Codec, IReadOnlyList<Record> Records);

    /// <summary>A broker into which each client has written once, for all others to read.</summary>
    public sealed class Written : BrokerFixture
    {
        public const int RecordsEach = 1000;

        private readonly ConcurrentDictionary<string, Lazy<Task<IReadOnlyList<Topic>>>> written = new();

        public string Bootstrap => Broker.Bootstrap;

        /// <summary>The topics of this producer, written when first asked for.</summary>
        public Task<IReadOnlyList<Topic>> By(string producer) =>
            written.GetOrAdd(producer, name => new(() => Write(AllClients.Named(name)))).Value;

        private async Task<IReadOnlyList<Topic>> Write(KafkaClient client)
        {
            Topic[] topics = [.. Topics(client, keyed: true), .. Topics(client, keyed: false)];
            await Broker.CreateTopics(partitions: 4, topics.Select(topic => topic.Name));
            foreach (var same in topics.GroupBy(topic => topic.Records))
                await client.Produce(Bootstrap, same.Key, [.. same.Select(topic => (topic.Name, topic.Codec))], client.IsIdempotent);
            foreach (var topic in topics)
                Assert.Equal(RecordsEach, Broker.CountRecords(topic.Name).Values.Sum());
            return topics;
        }

        private static IEnumerable<Topic> Topics(KafkaClient client, bool keyed)
        {
            var records = Flights.Some(RecordsEach, keyed);
            return client.Codecs.Select(codec => new Topic($"{client.PlainName}-{codec}-{(keyed ? "keyed" : "unkeyed")}", codec, records));
        }
    }
}
