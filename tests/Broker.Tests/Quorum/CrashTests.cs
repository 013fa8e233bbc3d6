using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>
/// Clients work on a node that dies, with or without its power, at some operation on the disk; the next life has everything that was
/// acknowledged, and so on for a few lives. Then the same on a real disk that is copied while everything goes on.
/// </summary>
public class CrashTests
{
    private const int Lives = 4;

    [Fact]
    public async Task Whatever_was_acknowledged_is_there_after_a_crash_at_any_moment()
    {
        for (var seed = 0; seed < 25; seed++)
        {
            try
            {
                await Live(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    [Fact]
    public async Task Whatever_was_acknowledged_is_in_a_copy_of_the_directory_made_at_any_moment()
    {
        var random = new Random(1);
        using var directory = new TempDirectory();
        var workers = Enumerable.Range(0, 3).Select(id => new Worker(id, new Random(id))).ToArray();
        await using var broker = await TestBroker.StartIn(
            directory, ("log.flush.before.ack", "auto"), ("metadata.log.max.record.bytes.between.snapshots", "3000"));
        await Prepare(broker.Connect());
        var working = workers.Select(worker => worker.Work(broker.Connect(), steps: int.MaxValue)).ToArray();
        for (var steps = random.Next(50, 200); steps > 0; steps--)
            await broker.Connect().TopicNames();

        foreach (var worker in workers)
            worker.Freeze();
        using var copy = CopyWhileItChanges(directory.Path);
        await broker.DisposeAsync();
        await Task.WhenAll(working);

        await using var next = await TestBroker.StartIn(copy);
        foreach (var worker in workers)
            await worker.Examine(next.Connect());
    }

    private static async Task Live(int seed)
    {
        var random = new Random(seed);
        var workers = Enumerable.Range(0, 3).Select(id => new Worker(id, new Random(seed * 10 + id))).ToArray();
        var disk = new MemoryFileSystem();
        (string, string)[] settings = random.Next(2) == 0 ? [] :
        [
            ("metadata.log.max.record.bytes.between.snapshots", "1500"),
            ("metadata.max.retention.bytes", "6000"),
            ("internal.metadata.log.segment.bytes", "3000"),
            ("internal.metadata.delete.delay.millis", "0"),
        ];
        var node = await Node.StartAsync(disk, settings);
        await Prepare(node.Connect());
        for (var life = 0; life < Lives; life++)
        {
            node.DieAfter(random.Next(10, 400));
            await Task.WhenAll(workers.Select(worker => worker.Work(node.Connect(), steps: 60)));
            node = await Next(node, random);
            foreach (var worker in workers)
                await worker.Examine(node.Connect());
        }

        var ids = workers.SelectMany(worker => worker.ProducerIds).ToArray();
        Assert.Equal(ids.Length, ids.Distinct().Count());
        await node.DisposeAsync();
    }

    // Some lives end before they have begun.
    private static async Task<Node> Next(Node node, Random random)
    {
        while (true)
        {
            node.Disk.Fault = null;
            await node.KillAsync(random, powerCut: random.Next(3) > 0);
            node = node.Next();
            if (random.Next(3) == 0)
                node.DieAfter(random.Next(100));
            try
            {
                await node.Server.StartAsync();
                node.Disk.Fault = null;
                return node;
            }
            catch (Exception) when (node.IsDead)
            {
                // before it was up
            }
        }
    }

    // What all workers need: the topic of their offsets, and the partitions of their groups.
    private static async Task Prepare(TestClient client)
    {
        await client.CreateTopic("shared");
        await client.Send(new Protocol.Messages.FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["any"] });
    }

    private static TempDirectory CopyWhileItChanges(string path)
    {
        var copy = new TempDirectory();
        foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == ".lock")
                continue;
            try
            {
                var target = Path.Combine(copy.Path, Path.GetRelativePath(path, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // removed since it was listed
            }
        }

        return copy;
    }
}
