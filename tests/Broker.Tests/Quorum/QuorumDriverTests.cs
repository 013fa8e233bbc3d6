using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Raft;
using Milena.Storage;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>The quorum's log under a controller, without the rest of a broker: what is too large for one batch, and what is cut.</summary>
public class QuorumDriverTests
{
    private const int ValueChars = 30_000;
    private const int Values = 400; // 12 MB, where a batch holds 8

    private readonly MemoryFileSystem disk = new();

    [Fact]
    public async Task What_does_not_fit_into_a_batch_is_there_whole()
    {
        await using (var life = await Life.Begin(disk))
        {
            Assert.True(await life.Write(Configs("g", Values)));
            Assert.Equal(Values, CountOf(life.Published, "g"));
            Assert.True(await life.Write(Configs("h", 1)));

            // The offset that a decision believes to be next is the one that its first record gets.
            var believed = await life.Controller.Execute((_, image, _) => new Decision<long, IMetadataRecord>(image.EndOffset, Configs("i", 1)), _ => -1L);
            Assert.Equal(life.Log.LogEndOffset - 1, believed);
        }

        await using var next = await Life.Begin(disk);
        Assert.Equal((Values, 1, 1), (CountOf(next.Published, "g"), CountOf(next.Published, "h"), CountOf(next.Published, "i")));
    }

    [Fact]
    public async Task Of_what_a_crash_cut_nothing_is_there()
    {
        await using (var life = await Life.Begin(disk))
        {
            Assert.True(await life.Write(Configs("before", 1)));
            var writes = 0;
            disk.Fault = (operation, path) => operation == "write" && path.EndsWith(".log", StringComparison.Ordinal) && ++writes == 3 ? new IOException("no space left") : null;
            Assert.False(await life.Write(Configs("g", Values)));
            Assert.Equal(0, CountOf(life.Published, "g"));
            Assert.False(await life.Write(Configs("h", 1))); // the quorum has no leader any more
        }

        disk.Fault = null;
        await using (var next = await Life.Begin(disk))
        {
            Assert.Equal((1, 0), (CountOf(next.Published.Published, "before"), CountOf(next.Published.Published, "g")));
            Assert.True(next.Published.IsInTransaction);
            var activation = await next.Controller.Execute((decisions, image, _) => decisions.Activate(image, Bootstrap.Records()), _ => new Activation([], "refused"));
            Assert.Null(activation.Refusal);
            Assert.True(await next.Write(Configs("h", 1)));
        }

        await using var last = await Life.Begin(disk);
        Assert.False(last.Published.IsInTransaction);
        Assert.Equal((1, 0, 1), (CountOf(last.Published, "before"), CountOf(last.Published, "g"), CountOf(last.Published, "h")));
    }

    [Fact]
    public async Task A_single_record_that_fits_nowhere_is_refused_and_harms_nobody()
    {
        await using var life = await Life.Begin(disk);
        var large = new DelegationTokenRecord { Renewers = [.. Enumerable.Repeat(new string('x', ValueChars), Values)] };
        Assert.False(await life.Write([large]));
        Assert.True(await life.Write(Configs("h", 1)));
    }

    [Fact]
    public async Task Each_life_leads_a_new_epoch_and_says_so_in_the_log()
    {
        for (var epoch = 1; epoch <= 3; epoch++)
        {
            await using var life = await Life.Begin(disk);
            Assert.True(await life.Write(Configs($"g{epoch}", 1)));
            Assert.Equal(epoch, life.Published.Epoch);
        }

        var batches = MetadataBatches.Read(disk.Contents[$"{Node.MetadataLog}/00000000000000000000.log"]);
        Assert.Equal([1, 1, 1, 2, 2, 3, 3], batches.Select(batch => batch.Epoch));
        Assert.Equal([true, false, false, true, false, true, false], batches.Select(batch => batch.ControlRecords is [LeaderChangeMessage { LeaderId: 1 }]));
        var state = QuorumStateFile.Read(disk.Contents[$"{Node.MetadataLog}/quorum-state"]);
        Assert.Equal((3, 1), (state.Epoch, state.LeaderId));
    }

    private static int CountOf(MetadataImage image, string group) => image.Configs.Of(ConfigResource.Group(group)).Count;

    private static IMetadataRecord[] Configs(string group, int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new ConfigRecord
        {
            ResourceType = (sbyte)ConfigResourceType.Group,
            ResourceName = group,
            Name = $"name-{i}",
            Value = new string('x', count == 1 ? 1 : ValueChars),
        }),
    ];

    private sealed class Life : IAsyncDisposable
    {
        private readonly LogManager logs;

        private Life(LogManager logs, PartitionLog log, ControllerService controller)
        {
            this.logs = logs;
            Log = log;
            Controller = controller;
        }

        public PartitionLog Log { get; }

        public ControllerService Controller { get; }

        public MetadataImage Published { get; private set; } = MetadataImage.Empty;

        public static async Task<Life> Begin(MemoryFileSystem disk)
        {
            var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
            var logs = LogManager.Open(new LogManagerOptions { LogDirs = [Node.Root], NodeId = 1 }, time, new Random(1), NullLoggerFactory.Instance, disk);
            var log = logs.OpenMetadataLog(BrokerOptions.MetadataLog(BrokerConfig.Default));
            var start = QuorumStart.Load(log, new SnapshotStore(disk, Node.MetadataLog, NullLogger.Instance), NullLogger.Instance);
            Life? life = null;
            var driver = new QuorumDriver(
                start.Quorum(new VoterKey(1, log.DirectoryId), []),
                log,
                start,
                new QuorumStateStore(disk, Node.MetadataLog, start.KRaftVersion),
                run => life!.Published = life.Published.Replay(run.Records).Latest.At(run.EndOffset, run.Epoch),
                time,
                NullLogger<QuorumDriver>.Instance);
            await driver.Start();
            life = new Life(logs, log, new ControllerService(new Controller(BrokerConfig.Default, logs.ClusterId), driver, new Random(1), time));
            life.Published = await life.Controller.Open();
            if (life.Published.Features.Finalized.Count == 0 && !life.Published.IsInTransaction)
                Assert.True(await life.Write([.. Bootstrap.Records()]));
            return life;
        }

        public ValueTask<bool> Write(IMetadataRecord[] records) =>
            Controller.Execute((_, _, _) => new Decision<bool, IMetadataRecord>(true, records), _ => false);

        public async ValueTask DisposeAsync()
        {
            Controller.Close();
            await logs.CloseAsync();
        }
    }
}
