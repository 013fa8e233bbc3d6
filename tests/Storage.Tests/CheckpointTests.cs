using System.Text;
using Milena.Common;

namespace Milena.Storage.Tests;

public class CheckpointTests
{
    private const string Directory = "/logs";

    private readonly MemoryFileSystem disk = new();

    public CheckpointTests() => disk.CreateDirectory(Directory);

    [Fact]
    public void Offsets_are_written_as_Kafka_writes_them()
    {
        var path = $"{Directory}/{OffsetCheckpoint.RecoveryPoints}";
        var offsets = new Dictionary<TopicPartition, long> { [new("foo", 0)] = 10, [new("bar", 3)] = 7 };
        OffsetCheckpoint.Write(disk, path, offsets);
        Assert.Equal(Vectors.Checkpoint("file.offsetcheckpoint"), disk.Contents[path]);
        Assert.Equal(offsets, OffsetCheckpoint.Read(disk, path));
    }

    [Fact]
    public void Leader_epochs_are_written_as_Kafka_writes_them()
    {
        EpochStart[] epochs = [new(0, 0), new(3, 120)];
        LeaderEpochCheckpoint.Write(disk, Directory, epochs);
        Assert.Equal(Vectors.Checkpoint("file.leaderepoch"), disk.Contents[$"{Directory}/leader-epoch-checkpoint"]);
        Assert.Equal(epochs, LeaderEpochCheckpoint.Read(disk, Directory));
    }

    [Fact]
    public void Partition_metadata_is_written_as_Kafka_writes_it()
    {
        PartitionMetadata.Write(disk, Directory, LogFixture.FooId);
        Assert.Equal(Vectors.Checkpoint("file.partition.metadata"), disk.Contents[$"{Directory}/partition.metadata"]);
        Assert.Equal(LogFixture.FooId, PartitionMetadata.Read(disk, Directory));
    }

    [Fact]
    public void Clean_shutdown_is_written_as_Kafka_writes_it_and_read_once()
    {
        CleanShutdownFile.Write(disk, Directory, 77);
        Assert.Equal(Vectors.Checkpoint("file.cleanshutdown"), disk.Contents[$"{Directory}/.kafka_cleanshutdown"]);
        Assert.Equal((true, 77), CleanShutdownFile.Take(disk, Directory));
        Assert.Equal((false, -1), CleanShutdownFile.Take(disk, Directory));
    }

    [Theory]
    [InlineData("", -1)]
    [InlineData("{\"version\":\"0\",\"brokerEpoch\":\"12\"}", 12)]
    [InlineData("[1,2]", -1)]
    [InlineData("{\"brokerEpoch\":", -1)]
    public void Clean_shutdown_of_any_content_is_clean(string content, long brokerEpoch)
    {
        disk.Put($"{Directory}/.kafka_cleanshutdown", Encoding.UTF8.GetBytes(content));
        Assert.Equal((true, brokerEpoch), CleanShutdownFile.Take(disk, Directory));
    }

    [Fact]
    public void Meta_properties_say_what_Kafkas_say()
    {
        var properties = new MetaProperties("MkU3OEVBNTcwNTJENDM2Qg", 1, LogFixture.FooId);
        properties.Write(disk, Directory);
        var text = Encoding.UTF8.GetString(disk.Contents[$"{Directory}/meta.properties"]);
        var recorded = Encoding.UTF8.GetString(Vectors.Checkpoint("file.meta.properties")).Trim('{', '}').Split(", ");
        Assert.Equal(recorded.Order(), text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Order());
        Assert.Equal(properties, MetaProperties.Read(disk, Directory));
    }

    [Theory]
    [InlineData("#\n#Wed Aug 05 12:00:00 UTC 2026\nnode.id=1\ndirectory.id=AQIDBAUGBwgJCgsMDQ4PEA\nversion=1\ncluster.id=abc\\=d", "abc=d", 1)]
    [InlineData("version : 0\nbroker.id: 4\ncluster.id = xyz\n", "xyz", 4)]
    public void Meta_properties_of_others_are_read(string text, string clusterId, int nodeId)
    {
        disk.Put($"{Directory}/meta.properties", Encoding.UTF8.GetBytes(text));
        var read = MetaProperties.Read(disk, Directory)!;
        Assert.Equal((clusterId, nodeId), (read.ClusterId, read.NodeId));
    }

    [Theory]
    [InlineData("node.id=1")]
    [InlineData("version=2\nnode.id=1\ncluster.id=a")]
    [InlineData("version=1\ncluster.id=a")]
    [InlineData("version=1\nnode.id=x\ncluster.id=a")]
    [InlineData("version=1\nnode.id=1\ncluster.id=a\ndirectory.id=short")]
    public void Meta_properties_that_make_no_sense_are_refused(string text)
    {
        disk.Put($"{Directory}/meta.properties", Encoding.UTF8.GetBytes(text));
        Assert.Throws<CorruptFileException>(() => MetaProperties.Read(disk, Directory));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1\n0\n")]
    [InlineData("0")]
    [InlineData("0\n-1\n")]
    [InlineData("0\n2\nfoo 0 10\n")]
    [InlineData("0\n1\nfoo 0 10\nbar 0 1\n")]
    [InlineData("0\n1\nfoo 0\n")]
    [InlineData("0\n1\nfoo 0 ten\n")]
    [InlineData("0\n1\nfoo 99999999999 1\n")]
    [InlineData("0\n1\nfoo 0 -5\n")]
    public void A_malformed_checkpoint_is_never_guessed_at(string text)
    {
        disk.Put($"{Directory}/c", Encoding.UTF8.GetBytes(text));
        Assert.Throws<CorruptFileException>(() => OffsetCheckpoint.Read(disk, $"{Directory}/c"));
    }

    [Fact]
    public void Missing_checkpoints_are_empty()
    {
        Assert.Empty(OffsetCheckpoint.Read(disk, $"{Directory}/c"));
        Assert.Empty(LeaderEpochCheckpoint.Read(disk, Directory));
        Assert.Null(PartitionMetadata.Read(disk, Directory));
        Assert.Null(MetaProperties.Read(disk, Directory));
    }

    [Fact]
    public void A_power_cut_takes_an_id_that_was_not_synced_or_leaves_it()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var crashing = new MemoryFileSystem();
            crashing.CreateDirectory(Directory);
            PartitionMetadata.Create(crashing, Directory, LogFixture.FooId);
            Assert.Equal(LogFixture.FooId, PartitionMetadata.Read(crashing, Directory));
            if (seed % 2 == 0)
            {
                PartitionMetadata.Sync(crashing, Directory);
                crashing.SyncDirectory(Directory);
            }

            crashing.Crash(new Random(seed), powerCut: true);
            Assert.Contains(PartitionMetadata.Read(crashing, Directory), seed % 2 == 0 ? [LogFixture.FooId] : new Uuid?[] { LogFixture.FooId, null });
        }
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("\0\0\0\0", true)]
    [InlineData("vers", true)]
    [InlineData("version: 0\n", true)]
    [InlineData("version: 0\ntopic_id: AQID\0\0\0", true)]
    [InlineData("version: 1\n", false)]
    [InlineData("version: 0\ntopic_id: AQID\n", false)]
    [InlineData("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", false)]
    [InlineData("something else that is long enough to be an id", false)]
    public void An_id_is_missing_where_the_end_of_its_file_is_and_refused_where_it_is_wrong(string text, bool isMissing)
    {
        disk.Put($"{Directory}/partition.metadata", Encoding.UTF8.GetBytes(text));
        if (isMissing)
            Assert.Null(PartitionMetadata.Read(disk, Directory));
        else
            Assert.Throws<CorruptFileException>(() => PartitionMetadata.Read(disk, Directory));
    }

    [Fact]
    public void A_power_cut_leaves_the_old_checkpoint_or_the_new()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var crashing = new MemoryFileSystem();
            crashing.Put($"{Directory}/partition.metadata", Encoding.UTF8.GetBytes("version: 0\ntopic_id: AQIDBAUGBwgJCgsMDQ4PEA"));
            var newId = new Uuid(1, 1000);
            var refused = seed % 6;
            crashing.Fault = (_, _) => refused-- == 0 ? new IOException("cut") : null;
            try
            {
                PartitionMetadata.Write(crashing, Directory, newId);
            }
            catch (IOException)
            {
                // interrupted at one of its steps
            }

            crashing.Fault = null;
            crashing.Crash(new Random(seed), powerCut: true);
            Assert.Contains(PartitionMetadata.Read(crashing, Directory), new Uuid?[] { LogFixture.FooId, newId });
        }
    }

    [Fact]
    public void Producer_snapshots_are_Kafkas_bytes()
    {
        var bytes = Vectors.Checkpoint("producer.snapshot");
        var entry = Assert.Single(ProducerSnapshot.Read(bytes)!);
        Assert.Equal((4000L, (short)3, 12), (entry.ProducerId, entry.Epoch, entry.LastSequence));
        Assert.Equal((9, 48L), (entry.CoordinatorEpoch, entry.TransactionFirstOffset));
        Assert.Equal(new ProducerBatch(12, 50, 2, 1_700_000_000_000), entry.Last);
        var states = new ProducerStates();
        states.Load(entry);
        Assert.Equal(bytes, ProducerSnapshot.Write(states));
        Assert.Equal(48, states.FirstUnstableOffset);
    }

    [Fact]
    public void A_producer_snapshot_with_any_bit_changed_is_not_believed()
    {
        var bytes = Vectors.Checkpoint("producer.snapshot");
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var damaged = bytes.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(ProducerSnapshot.Read(damaged));
        }

        for (var length = 0; length < bytes.Length; length++)
            Assert.Null(ProducerSnapshot.Read(bytes.AsSpan(0, length)));
    }
}
