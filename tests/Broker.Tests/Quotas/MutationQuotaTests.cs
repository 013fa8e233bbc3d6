using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quotas;

/// <summary>Quotas of partitions that are created and deleted (KIP-599): two a second, so 22 at once after a rest.</summary>
public sealed class MutationQuotaTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private TestClient admin = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        admin = broker.Connect("admin");
        await admin.SetQuota("client-id=slow", "controller_mutation_rate", 2);
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task What_a_new_client_asks_beyond_its_quota_is_refused_topic_by_topic()
    {
        await using var slow = broker.Connect("slow");
        var created = await slow.Send(Creation(("a", 20), ("b", 6), ("c", 1)), 6);
        Assert.Equal(
            [("a", ErrorCode.None), ("b", ErrorCode.None), ("c", ErrorCode.ThrottlingQuotaExceeded)],
            created.Topics.Select(topic => (topic.Name, topic.ErrorCode)));
        Assert.Equal(2000, created.ThrottleTimeMs); // four tokens are missing
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await Described("c")).ErrorCode);
        var next = slow.Send(Deletion("a"), 5);
        await Described("a");
        Assert.False(next.IsCompleted);

        var deleted = await broker.Later(next); // the tokens are there again
        Assert.Equal((ErrorCode.None, 0), (Assert.Single(deleted.Responses).ErrorCode, deleted.ThrottleTimeMs));
        broker.Time.Advance(TimeSpan.FromMinutes(1));
        await using var slowAgain = broker.Connect("slow");
        Assert.Equal(0, (await slowAgain.Send(Creation(("d", 30)))).ThrottleTimeMs);
        var grown = await slowAgain.Send(Growth("b", 9), 3);
        Assert.Equal((ErrorCode.ThrottlingQuotaExceeded, 4000), (Assert.Single(grown.Results).ErrorCode, grown.ThrottleTimeMs));
        Assert.Equal(6, (await Described("b")).Partitions.Length);
    }

    [Fact]
    public async Task What_an_old_client_asks_is_done_and_then_it_rests()
    {
        await using (var slow = broker.Connect("slow"))
        {
            var created = await slow.Send(Creation(("a", 20), ("b", 6), ("c", 1)), 5);
            Assert.Equal([ErrorCode.None, ErrorCode.None, ErrorCode.None], created.Topics.Select(topic => topic.ErrorCode));
            Assert.Equal(2500, created.ThrottleTimeMs);
        }

        await using (var slow = broker.Connect("slow"))
        {
            var grown = await slow.Send(Growth("b", 9), 2);
            Assert.Equal((ErrorCode.None, 4000), (Assert.Single(grown.Results).ErrorCode, grown.ThrottleTimeMs));
        }

        await using (var slow = broker.Connect("slow"))
        {
            var deleted = await slow.Send(Deletion("c"), 4);
            Assert.Equal((ErrorCode.None, 4500), (Assert.Single(deleted.Responses).ErrorCode, deleted.ThrottleTimeMs));
        }

        await using (var slow = broker.Connect("slow"))
        {
            var named = await slow.Send(new MetadataRequest { Topics = [new() { Name = "made-by-asking" }], AllowAutoTopicCreation = true });
            Assert.Equal((ErrorCode.None, 5000), (Assert.Single(named.Topics).ErrorCode, named.ThrottleTimeMs));
        }
    }

    [Fact]
    public async Task Others_have_tokens_of_their_own_or_need_none()
    {
        await using (var slow = broker.Connect("slow"))
            await slow.Send(Creation(("a", 30)), 6);
        var created = await admin.Send(Creation(("b", 200)), 6);
        Assert.Equal((ErrorCode.None, 0), (created.Topics[0].ErrorCode, created.ThrottleTimeMs));
    }

    private async Task<MetadataResponse.MetadataResponseTopic> Described(string topic) =>
        Assert.Single((await admin.Send(new MetadataRequest { Topics = [new() { Name = topic }], AllowAutoTopicCreation = false })).Topics);

    private static CreateTopicsRequest Creation(params (string Name, int Partitions)[] topics) => new()
    {
        Topics = [.. topics.Select(topic => new CreateTopicsRequest.CreatableTopic { Name = topic.Name, NumPartitions = topic.Partitions, ReplicationFactor = 1 })],
    };

    private static DeleteTopicsRequest Deletion(string topic) => new() { TopicNames = [topic] };

    private static CreatePartitionsRequest Growth(string topic, int count) => new() { Topics = [new() { Name = topic, Count = count, Assignments = null }] };
}
