using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>Snapshots of the metadata: when they are taken, what is started from, and that they keep the log short.</summary>
public class SnapshotTests
{
    private static readonly (string Name, string Value)[] BySize =
    [
        ("metadata.log.max.record.bytes.between.snapshots", "1500"),
        ("metadata.max.retention.bytes", "20000"),
        ("internal.metadata.log.segment.bytes", "3000"),
        ("internal.metadata.delete.delay.millis", "0"),
    ];

    [Fact]
    public async Task Log_and_snapshots_stay_small_and_everything_is_there_at_each_start()
    {
        var node = await Node.StartAsync(BySize);
        var expected = new List<string>();
        var producerId = -1L;
        for (var life = 0; life < 6; life++)
        {
            for (var i = 0; i < 12; i++)
            {
                var name = $"topic-{life}-{i:D2}";
                await node.Connect().CreateTopic(name, partitions: 2, ("retention.ms", $"{1000 + i}"));
                await node.Server.SnapshotWriting;
                if (i % 2 == 0)
                    await Delete(node.Connect(), name);
                else
                    expected.Add(name);
                await node.Server.SnapshotWriting;
            }

            var given = await node.Connect().Send(new InitProducerIdRequest { TransactionalId = null });
            Assert.True(given.ProducerId > producerId);
            producerId = given.ProducerId;

            node.Time.Advance(TimeSpan.FromSeconds(2)); // the files of segments that are no longer part of the log go
            Assert.InRange(SizeOfMetadata(node), 1, 20_000 + 3000);
            Assert.NotEmpty(node.Snapshots);
            node = life % 2 == 0 ? await node.RestartAsync() : await node.CrashAsync(new Random(life), powerCut: true);
            Assert.Empty(node.Log.Lines);
            Assert.Equal(expected, await node.Connect().TopicNames());
            Assert.Equal("1011", await RetentionOf(node.Connect(), expected[^1]));
        }

        // The first record that is still in the log is not the first that was written.
        Assert.DoesNotContain("00000000000000000000.log", node.FilesOfMetadata());
        await node.DisposeAsync();
    }

    [Fact]
    public async Task What_follows_the_snapshot_is_all_that_is_read()
    {
        var node = await Node.StartAsync(("metadata.log.max.snapshot.interval.ms", "1000"));
        for (var i = 0; i < 120; i++)
        {
            var name = i % 5 == 0 ? "t" : $"gone-{i}";
            if (i % 5 == 0 && i > 0)
                await Delete(node.Connect(), "t");
            await node.Connect().CreateTopic(name, partitions: 10);
            if (i % 5 != 0)
                await Delete(node.Connect(), name);
            node.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        var withLog = await BytesOfStart();
        node.Time.Advance(TimeSpan.FromSeconds(1));
        await node.Server.SnapshotWriting;
        var withSnapshot = await BytesOfStart();
        Assert.True(withSnapshot < withLog / 3, $"{withSnapshot} bytes were read with a snapshot, {withLog} without");
        await node.DisposeAsync();

        async Task<long> BytesOfStart()
        {
            await node.DisposeAsync();
            node.Disk.BytesRead = 0;
            node = await node.NextAsync();
            return node.Disk.BytesRead;
        }
    }

    [Fact]
    public async Task After_a_time_one_is_taken_if_anything_has_changed()
    {
        await using var node = await Node.StartAsync(("metadata.log.max.snapshot.interval.ms", "60000"));
        Assert.Empty(node.Snapshots);
        await Pass(61); // the first start has changed something
        var first = Assert.Single(node.Snapshots);
        await Pass(3600);
        Assert.Equal([first], node.Snapshots);
        await node.Connect().CreateTopic("t");
        await Pass(59);
        Assert.Equal([first], node.Snapshots);
        await Pass(2);
        Assert.Equal(2, node.Snapshots.Length);

        async Task Pass(int seconds)
        {
            node.Time.Advance(TimeSpan.FromSeconds(seconds));
            await node.Server.SnapshotWriting;
        }
    }

    [Fact]
    public async Task Old_ones_go_when_there_are_newer()
    {
        await using var node = await Node.StartAsync(("metadata.log.max.snapshot.interval.ms", "1000"), ("metadata.max.retention.ms", "100000"));
        await Take("a");
        var first = node.Snapshots;
        node.Time.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(first, node.Snapshots); // it is the only one
        await Take("b");
        Assert.Single(node.Snapshots);
        Assert.NotEqual(first, node.Snapshots);
        await Take("c");
        Assert.Equal(2, node.Snapshots.Length);

        async Task Take(string topic)
        {
            await node.Connect().CreateTopic(topic);
            node.Time.Advance(TimeSpan.FromSeconds(1));
            await node.Server.SnapshotWriting;
        }
    }

    [Fact]
    public async Task Whoever_commits_does_not_wait_for_one()
    {
        var disk = new MemoryFileSystem();
        using var written = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        await using var node = await Node.StartAsync(disk, ("metadata.log.max.snapshot.interval.ms", "1000"));
        disk.Syncing = path =>
        {
            if (!path.EndsWith(".checkpoint.part", StringComparison.Ordinal))
                return;
            reached.Set();
            written.Wait();
        };
        node.Time.Advance(TimeSpan.FromSeconds(1));
        reached.Wait();
        await node.Connect().CreateTopic("t"); // is answered while the disk is busy with the snapshot
        Assert.Empty(node.Snapshots);
        written.Set();
        await node.Server.SnapshotWriting;
        Assert.Single(node.Snapshots);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("changed")]
    [InlineData("empty")]
    public async Task A_damaged_one_is_put_aside_for_the_one_before(string damage)
    {
        var node = await WithTwoSnapshots();
        var newest = $"{Node.MetadataLog}/{node.Snapshots[^1]}";
        await node.DisposeAsync();
        var bytes = node.Disk.Contents[newest];
        var broken = damage switch
        {
            "cut" => bytes[..^10],
            "empty" => [],
            _ => [.. bytes[..100], (byte)~bytes[100], .. bytes[101..]],
        };
        node.Disk.Put(newest, broken);

        node = await node.NextAsync();
        Assert.StartsWith($"Warning: The metadata snapshot {newest} is damaged and not used", Assert.Single(node.Log.Lines));
        Assert.Equal(["a", "b", "c"], await node.Connect().TopicNames());
        Assert.DoesNotContain(Path.GetFileName(newest), node.Snapshots);
        Assert.Contains(Path.GetFileName(newest) + ".broken", node.FilesOfMetadata());
        node = await node.RestartAsync();
        Assert.Empty(node.Log.Lines);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Without_any_the_log_is_read_from_its_beginning()
    {
        var node = await WithTwoSnapshots();
        await node.DisposeAsync();
        foreach (var snapshot in node.Snapshots)
            node.Disk.DeleteFile($"{Node.MetadataLog}/{snapshot}");
        await using var next = await node.NextAsync();
        Assert.Equal(["a", "b", "c"], await next.Connect().TopicNames());
    }

    [Fact]
    public async Task What_was_not_finished_is_removed()
    {
        var node = await WithTwoSnapshots();
        await node.DisposeAsync();
        node.Disk.Put($"{Node.MetadataLog}/00000000000000009999-0000000001.checkpoint.part", [1, 2, 3]);
        await using var next = await node.NextAsync();
        Assert.DoesNotContain(next.FilesOfMetadata(), name => name.EndsWith(".part", StringComparison.Ordinal));
        Assert.Equal(["a", "b", "c"], await next.Connect().TopicNames());
    }

    [Fact]
    public async Task A_log_that_begins_behind_all_of_them_is_refused()
    {
        var node = await Node.StartAsync(BySize);
        for (var i = 0; i < 60; i++)
        {
            await node.Connect().CreateTopic($"t{i}");
            await node.Server.SnapshotWriting;
        }

        await node.DisposeAsync();
        foreach (var snapshot in node.Snapshots)
            node.Disk.DeleteFile($"{Node.MetadataLog}/{snapshot}");
        var refusal = await Assert.ThrowsAsync<BrokerStartException>(node.NextAsync);
        Assert.Contains("the metadata log in /logs begins at offset", refusal.Message);
    }

    [Fact]
    public async Task A_log_that_ends_before_one_goes_on_behind_it()
    {
        var node = await WithTwoSnapshots();
        await node.DisposeAsync();
        foreach (var file in node.FilesOfMetadata().Where(name => name.StartsWith("0000", StringComparison.Ordinal) && !name.EndsWith(".checkpoint", StringComparison.Ordinal)).ToList())
            node.Disk.DeleteFile($"{Node.MetadataLog}/{file}");

        node = await node.NextAsync();
        Assert.Contains(node.Log.Lines, line => line.Contains("it goes on behind that"));
        Assert.Equal(["a", "b"], await node.Connect().TopicNames()); // c was only in the log
        await node.Connect().CreateTopic("d");
        node = await node.RestartAsync();
        Assert.Empty(node.Log.Lines);
        Assert.Equal(["a", "b", "d"], await node.Connect().TopicNames());
        await node.DisposeAsync();
    }

    [Fact]
    public async Task A_disk_that_refuses_one_costs_nothing_but_that()
    {
        var disk = new MemoryFileSystem();
        await using var node = await Node.StartAsync(disk, ("metadata.log.max.snapshot.interval.ms", "1000"));
        disk.Fault = (operation, path) => operation == "write" && path.EndsWith(".part", StringComparison.Ordinal) ? new IOException("no space left") : null;
        node.Time.Advance(TimeSpan.FromSeconds(1));
        await node.Server.SnapshotWriting;
        Assert.Contains("No metadata snapshot could be taken", Assert.Single(node.Log.Lines));
        Assert.DoesNotContain(node.FilesOfMetadata(), name => name.EndsWith(".part", StringComparison.Ordinal));

        await node.Connect().CreateTopic("t");
        disk.Fault = null;
        node.Time.Advance(TimeSpan.FromSeconds(1));
        await node.Server.SnapshotWriting;
        Assert.Single(node.Snapshots);
    }

    [Fact]
    public async Task It_holds_what_the_log_holds()
    {
        await using var node = await WithTwoSnapshots();
        var log = MetadataBatches.Read(node.Disk.Contents[$"{Node.MetadataLog}/00000000000000000000.log"]);
        var name = node.Snapshots[^1];
        Assert.True(SnapshotId.TryParse(name, out var id));
        var content = SnapshotContent.Read(node.Disk.Contents[$"{Node.MetadataLog}/{name}"]);
        var folded = content.ToImage(id.EndOffset, id.Epoch);
        var replayed = Metadata.Images.MetadataImage.Empty.Apply(log.Where(batch => batch.LastOffset < id.EndOffset).SelectMany(batch => batch.Records));
        Assert.Equal(
            SnapshotRecords.Of(replayed).Select(record => Convert.ToHexString(MetadataRecords.Write(record, MetadataVersion(record)))),
            SnapshotRecords.Of(folded).Select(record => Convert.ToHexString(MetadataRecords.Write(record, MetadataVersion(record)))));
        Assert.Equal(log.Last(batch => batch.LastOffset < id.EndOffset).TimestampMs, content.LastContainedLogTimestampMs);

        static short MetadataVersion(IMetadataRecord record) => Metadata.Features.MetadataVersions.RecordVersion(record, 29);
    }

    // The topics a and b are in snapshots, c is not.
    private static async Task<Node> WithTwoSnapshots()
    {
        var node = await Node.StartAsync(("metadata.log.max.snapshot.interval.ms", "1000"));
        foreach (var topic in (string[])["a", "b"])
        {
            await node.Connect().CreateTopic(topic);
            node.Time.Advance(TimeSpan.FromSeconds(1));
            await node.Server.SnapshotWriting;
        }

        await node.Connect().CreateTopic("c");
        Assert.Equal(2, node.Snapshots.Length);
        return node;
    }

    private static async Task Delete(TestClient client, string topic)
    {
        var response = await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = topic }], TimeoutMs = 1000 });
        Assert.Equal(ErrorCode.None, Assert.Single(response.Responses).ErrorCode);
    }

    private static async Task<string?> RetentionOf(TestClient client, string topic)
    {
        var response = await client.Send(new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic, ConfigurationKeys = ["retention.ms"] }],
        });
        return Assert.Single(Assert.Single(response.Results).Configs).Value;
    }

    private static int SizeOfMetadata(Node node) => node.Disk.Contents
        .Where(file => file.Key.StartsWith(Node.MetadataLog + "/", StringComparison.Ordinal)
            && (file.Key.EndsWith(".log", StringComparison.Ordinal) || file.Key.EndsWith(".checkpoint", StringComparison.Ordinal) || file.Key.EndsWith(".deleted", StringComparison.Ordinal)))
        .Sum(file => file.Value.Length);
}
