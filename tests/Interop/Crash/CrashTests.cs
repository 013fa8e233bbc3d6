using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop.Crash;

/// <summary>
/// Everything that a broker promises, at once and for a while, on a broker that is killed with -9 every few seconds.
/// <c>./test --crash SECONDS [SEED]</c> runs this alone and for longer.
/// </summary>
public class CrashTests(ITestOutputHelper output)
{
    private const int Partitions = 3;
    private const int DefaultSeconds = 30;

    [Fact]
    public async Task Nothing_promised_is_lost_doubled_or_half_there_however_often_the_broker_is_killed()
    {
        var seconds = Setting("MILENA_CRASH_SECONDS", DefaultSeconds);
        var seed = Setting("MILENA_CRASH_SEED", 1);
        Say($"crash test: {seconds} s, seed {seed}");
        // librdkafka may wait for a coordinator that is back already until any of its connections changes (confluentinc/librdkafka
        // issues 5456 and 5511): so those that nothing moves on are closed.
        await using var broker = await BrokerProcess.Start(
            ("offsets.topic.num.partitions", "5"), ("transaction.state.log.num.partitions", "5"), ("log.segment.bytes", "4194304"),
            ("connections.max.idle.ms", "3000"));
        await broker.CreateTopics(Partitions, "numbers", "transactions", "relayed");
        var at = broker.Bootstrap;

        using var writer = new NumberWriter(at, "numbers", perSecondMax: 1000);
        using var transactions = new Several<TransactionWriter>(2, i => new(at, "transactions", $"writer-{i}", seed + i));
        using var relays = new Several<Relay>(2, i => new(at, "numbers", "relayed", "relays", (GroupProtocol)(i % 2), $"relay-{i}"));
        var diaries = new Dictionary<GroupProtocol, GroupDiary> { [GroupProtocol.Classic] = new(), [GroupProtocol.Consumer] = new() };
        using var members = new Several<GroupMember>(4, i =>
        {
            var protocol = (GroupProtocol)(i % 2);
            return new(at, "numbers", $"{protocol}-members", protocol, $"member {i}", diaries[protocol]);
        });

        var kills = await KillNowAndThen(broker, new Random(seed), TimeSpan.FromSeconds(seconds), writer);
        Say($"  killed {kills} times");
        var acknowledged = await writer.Stop();
        Say($"  {acknowledged.Count} records acknowledged");
        var outcomes = new Dictionary<string, IReadOnlyList<Outcome>>();
        foreach (var one in transactions.All)
            outcomes.Add(one.Id, await one.Stop());

        var ends = broker.CountRecords("numbers");
        await Until(() => diaries.Values.All(diary => IsAt(diary.Committed, ends)), () => $"the groups commit up to {Show(ends)}; {string.Join("; ", diaries.Select(pair => $"{pair.Key}: {pair.Value}"))}");
        await Until(() => IsAt(CommittedBy(at, "relays", ends.Keys), ends), () => $"the relays commit up to {Show(ends)}; they are at {Show(CommittedBy(at, "relays", ends.Keys))}");
        await Task.WhenAll([.. members.All.Select(member => member.Stop()), .. relays.All.Select(relay => relay.Stop())]).WaitAsync(Deadline.Default);

        var numbers = CommittedRecords(at, "numbers");
        Numbers(acknowledged, numbers);
        Transactions(outcomes, CommittedRecords(at, "transactions"));
        Relayed(numbers, CommittedRecords(at, "relayed"), relays.All.Sum(relay => relay.Committed));
        foreach (var (protocol, diary) in diaries)
            Groups(protocol, diary, ends, CommittedBy(at, $"{protocol}-members", ends.Keys));
    }

    /// <summary>Kills it at moments that the seed draws, while requests are under way, and starts it again.</summary>
    private static async Task<int> KillNowAndThen(BrokerProcess broker, Random random, TimeSpan lasts, NumberWriter writer)
    {
        var started = Stopwatch.GetTimestamp();
        var kills = 0;
        for (; Stopwatch.GetElapsedTime(started) < lasts; kills++)
        {
            await Task.Delay(random.Next(500, 4000));
            await writer.Acknowledges(random.Next(1, 50));
            await broker.Kill();
            await broker.StartAgain();
        }

        await writer.Acknowledges(1);
        return kills;
    }

    private void Numbers(IReadOnlyDictionary<long, TopicPartitionOffset> acknowledged, List<ConsumeResult<string, string>> read)
    {
        var found = read.ToDictionary(record => record.TopicPartitionOffset, record => long.Parse(record.Message.Value, CultureInfo.InvariantCulture));
        foreach (var (number, place) in acknowledged)
            Assert.True(found.GetValueOrDefault(place, -1) == number, $"{number} was acknowledged at {place} and is not there");
        Assert.Equal(found.Count, found.Values.Distinct().Count());
        foreach (var partition in read.GroupBy(record => record.Partition.Value))
            Assert.Equal(partition.Select(record => found[record.TopicPartitionOffset]).Order(), partition.Select(record => found[record.TopicPartitionOffset]));
    }

    private void Transactions(Dictionary<string, IReadOnlyList<Outcome>> outcomes, List<ConsumeResult<string, string>> read)
    {
        var seen = read.CountBy(record => record.Message.Value).ToDictionary();
        foreach (var (writer, ended) in outcomes)
        {
            for (var number = 0; number < ended.Count; number++)
            {
                var counts = Enumerable.Range(0, TransactionWriter.RecordsEach)
                    .Select(i => seen.GetValueOrDefault($"{writer}/{number}/{i}")).Distinct().ToList();
                var isRight = ended[number] switch
                {
                    Outcome.Committed => counts is [1],
                    Outcome.Aborted => counts is [0],
                    _ => counts is [0] or [1],
                };
                Assert.True(isRight, $"{writer}/{number}: {ended[number]}, and its records are seen {string.Join(" or ", counts)} times");
            }

            Assert.Contains(Outcome.Committed, ended);
            Say($"  {writer}: {string.Join(", ", ended.CountBy(one => one).Select(pair => $"{pair.Value} {pair.Key}"))}");
        }
    }

    private void Relayed(List<ConsumeResult<string, string>> numbers, List<ConsumeResult<string, string>> relayed, int transactions)
    {
        Say($"  relays: {relayed.Count} records in {transactions} transactions");
        var expected = numbers.Select(record => $"{record.Partition.Value}:{record.Offset.Value}").Order(StringComparer.Ordinal);
        Assert.Equal(expected, relayed.Select(record => record.Message.Value).Order(StringComparer.Ordinal));
    }

    private void Groups(GroupProtocol protocol, GroupDiary diary, IReadOnlyDictionary<int, long> ends, Dictionary<int, long> committed)
    {
        Say($"  {protocol} members: {diary.Commits} commits");
        Assert.Empty(diary.Faults);
        Assert.Equal(ends, diary.Reached);
        Assert.Equal(ends, committed);
    }

    private static string Show(IReadOnlyDictionary<int, long> offsets) =>
        string.Join(' ', offsets.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}:{pair.Value}"));

    private static bool IsAt(IReadOnlyDictionary<int, long> offsets, IReadOnlyDictionary<int, long> ends) =>
        ends.All(end => offsets.GetValueOrDefault(end.Key) == end.Value);

    private static async Task Until(Func<bool> condition, Func<string> what)
    {
        for (var started = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(200))
            Assert.True(Stopwatch.GetElapsedTime(started) < Deadline.Default, $"not in time: {what()}");
    }

    private static Dictionary<int, long> CommittedBy(string bootstrap, string group, IEnumerable<int> partitions)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = bootstrap, GroupId = group }).Build();
        return Persistent.Call(() => consumer.Committed(partitions.Select(partition => new TopicPartition("numbers", partition)), Deadline.Default))
            .ToDictionary(found => found.Partition.Value, found => found.Offset.Value);
    }

    /// <summary>All that a consumer of committed records sees of a topic, in order within a partition.</summary>
    private static List<ConsumeResult<string, string>> CommittedRecords(string bootstrap, string topic)
    {
        using var consumer = new ConsumerBuilder<string, string>(new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = "unused",
            IsolationLevel = IsolationLevel.ReadCommitted,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnablePartitionEof = true,
        }).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(partition => new TopicPartitionOffset(topic, partition, Offset.Beginning)));
        var records = new List<ConsumeResult<string, string>>();
        for (var ended = 0; ended < Partitions;)
        {
            var found = consumer.Consume(Deadline.Default) ?? throw new TimeoutException($"{topic} cannot be read to its end");
            if (found.IsPartitionEOF)
                ended++;
            else
                records.Add(found);
        }

        return records;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private void Say(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("MILENA_CRASH_REPORT") is { Length: > 0 } report)
            File.AppendAllText(report, line + "\n");
    }

    /// <summary>Several of a kind, which end together.</summary>
    private sealed class Several<T>(int count, Func<int, T> make) : IDisposable
        where T : IDisposable
    {
        public IReadOnlyList<T> All { get; } = [.. Enumerable.Range(0, count).Select(make)];

        public void Dispose()
        {
            foreach (var one in All)
                one.Dispose();
        }
    }
}
