using FsCheck.Xunit;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>
/// A crowd of producers on few transactional ids: they take over from each other, ask again, hear no answers, are too slow, and the
/// coordinator changes under them. What must hold after every event (one outcome, no epoch that goes back, records that say all) is
/// checked by <see cref="TransactionWorld"/>, and that no leader refuses a marker by <see cref="ModelPartitions"/>; here is what must
/// hold of what the producers were told.
/// </summary>
public class RandomTransactionsTests
{
    private const int Steps = 300;
    private static readonly string[] Ids = ["x", "y"];
    private static readonly TopicPartition[] Partitions = [new("t", 0), new("t", 1), new("u", 0)];

    [Property(MaxTest = 300)]
    public void A_transaction_has_the_outcome_that_its_producer_heard_and_who_is_fenced_changes_nothing(int seed)
    {
        var random = new Random(seed);
        var world = new TransactionWorld { Version = (short)random.Next(3) };
        // Near the end of their epochs, so that ids are changed on the way.
        foreach (var id in Ids)
            world.Seed(new Transaction(id, world.NextProducerId++) { Epoch = (short)(short.MaxValue - random.Next(1, 30)), TimeoutMs = TransactionWorld.TimeoutMs });
        var producers = Enumerable.Range(0, 6)
            .Select(i => new Producer($"p{i}", Ids[i % Ids.Length], world.Version == 2 && random.Next(3) > 0 ? (short)2 : (short)0, world, random))
            .ToArray();

        for (var step = 0; step < Steps; step++)
        {
            var producer = producers[random.Next(producers.Length)];
            switch (random.Next(20))
            {
                case 0:
                    foreach (var id in world.Advance(random.Next(TransactionWorld.TimeoutMs)))
                        FenceAll(producers, id);
                    break;
                case 1 when random.Next(3) == 0:
                    world.Failover();
                    break;
                case < 8:
                    world.Mark(Ids[random.Next(Ids.Length)]);
                    break;
                default:
                    var others = producers.Where(other => other.Id == producer.Id && other != producer);
                    producer.Act(Partitions, takenOver: () => FenceAll(others, producer.Id));
                    break;
            }
        }

        // Left alone, every outcome is carried out.
        foreach (var id in world.Advance(2 * TransactionWorld.TimeoutMs))
            FenceAll(producers, id);
        world.MarkAll();
        Assert.Empty(world.Ending);
        foreach (var transaction in world.Partitions.Records.GroupBy(record => record.Text))
        {
            var outcome = Assert.Single(transaction.Select(record => record.Outcome).Distinct());
            Assert.NotNull(outcome);
            var heard = producers.SelectMany(producer => producer.Heard).Where(entry => entry.Transaction == transaction.Key).ToArray();
            Assert.All(heard, entry => Assert.Equal(entry.Commit, outcome));
            if (heard.Length == 0)
                Assert.True(outcome == false || producers.Any(producer => producer.Asked.Contains(transaction.Key)), $"{transaction.Key} commits by itself");
        }
    }

    private static void FenceAll(IEnumerable<Producer> producers, string id)
    {
        foreach (var producer in producers.Where(producer => producer.Id == id))
            producer.IsFenced = true;
    }

    private enum Phase
    {
        New,
        Ready,
        Ending,
        Repeating,
    }

    private sealed class Producer(string name, string id, short version, TransactionWorld world, Random random)
    {
        private Phase phase;
        private long producerId = -1;
        private short epoch = -1;
        private int count;
        private bool commits;
        private bool hasWritten;

        public string Id => id;

        /// <summary>Somebody has taken over, or its time was up.</summary>
        public bool IsFenced { get; set; } = true;

        /// <summary>What it was told of its transactions.</summary>
        public List<(string Transaction, bool Commit)> Heard { get; } = [];

        /// <summary>The transactions of which it has asked the commit.</summary>
        public HashSet<string> Asked { get; } = [];

        private string Transaction => $"{name}#{count}";

        public void Act(TopicPartition[] partitions, Action takenOver)
        {
            if (phase == Phase.New)
            {
                Begin(takenOver);
                return;
            }

            var before = world.State;
            var wasFenced = IsFenced;
            var error = Step(partitions);
            if (wasFenced)
            {
                Assert.NotEqual(ErrorCode.None, error);
                Assert.Same(before, world.State);
            }
            // Whose answer was lost and whose coordinator has changed since cannot be known again, and is fenced, too.
            var mayBeUnknown = phase == Phase.Repeating && error == ErrorCode.ProducerFenced;
            if (error is not (ErrorCode.None or ErrorCode.ConcurrentTransactions or ErrorCode.TransactionAbortable))
                phase = wasFenced || mayBeUnknown ? Phase.New : throw new InvalidOperationException($"{name}, the producer of {id}, hears {error}");
            else if (wasFenced && random.Next(5) == 0)
                phase = Phase.New; // its process dies
        }

        private void Begin(Action takenOver)
        {
            world.TakeRecords();
            var answer = world.Init(id);
            if (answer.Error == ErrorCode.ConcurrentTransactions)
            {
                Assert.True(world.State.Find(id) is { IsEnding: true });
                if (world.TakeRecords().Count > 0)
                    takenOver(); // it has interrupted somebody
                return;
            }
            Assert.Equal(ErrorCode.None, answer.Error);
            takenOver();
            Become(answer);
            IsFenced = false;
            phase = Phase.Ready;
            Next();
        }

        private ErrorCode Step(TopicPartition[] partitions)
        {
            switch (phase)
            {
                case Phase.Ending:
                    return End();
                case Phase.Repeating:
                    return BeginAgain();
                case Phase.Ready when hasWritten && random.Next(3) == 0:
                    commits = random.Next(2) == 0;
                    phase = Phase.Ending;
                    return End();
                case Phase.Ready when !hasWritten && random.Next(6) == 0:
                    phase = Phase.Repeating;
                    return BeginAgain();
                default:
                    return Write(partitions[random.Next(partitions.Length)]);
            }
        }

        private ErrorCode Write(TopicPartition partition)
        {
            if (version < 2 && random.Next(10) > 0)
            {
                var added = world.Add(id, producerId, epoch, version, partition);
                if (added != ErrorCode.None)
                    return added;
                hasWritten = true;
            }
            var error = version < 2 ? world.Verify(id, producerId, epoch, partition) : world.Add(id, producerId, epoch, version, partition);
            if (error == ErrorCode.None)
            {
                error = world.Partitions.Append(partition, producerId, epoch, Transaction);
                hasWritten = true;
            }
            return error;
        }

        private ErrorCode End()
        {
            if (commits)
                Asked.Add(Transaction);
            var answer = world.End(id, producerId, epoch, commits, version);
            if (answer.Error != ErrorCode.None || IsLost)
                return answer.Error;
            Heard.Add((Transaction, commits));
            if (version >= 2)
                Become(answer);
            phase = Phase.Ready;
            Next();
            return ErrorCode.None;
        }

        // After an error a producer goes on in a new epoch, as the one that it is (KIP-360).
        private ErrorCode BeginAgain()
        {
            var answer = world.Init(id, producerId, epoch);
            if (answer.Error != ErrorCode.None || IsLost)
                return answer.Error;
            Become(answer);
            phase = Phase.Ready;
            Next();
            return ErrorCode.None;
        }

        private bool IsLost => random.Next(4) == 0;

        private void Become(ProducerIdentity identity) => (producerId, epoch) = (identity.ProducerId, identity.Epoch);

        private void Next() => (count, hasWritten) = (count + 1, false);
    }
}
