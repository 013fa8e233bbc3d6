using Milena.Common;
using Milena.Metadata.Controllers;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>The first thing that a controller does: begin a log, or go on with one that others have written.</summary>
public class ActivationTests
{
    private readonly Cluster cluster = new();

    [Fact]
    public void An_empty_log_begins_with_what_formatting_left_at_levels_that_are_served()
    {
        var bootstrap = Bootstrap.Records(29, [new UserScramCredentialRecord { Name = "alice", Mechanism = 1 }], FeatureSet.KafkaLevels(29));
        var decision = cluster.Controller.Activate(MetadataImage.Empty, bootstrap);

        Assert.Null(decision.Response.Refusal);
        Assert.Equal(NotServed(29).Select(feature => $"{feature.Name} from {feature.Level} to {feature.Served}"), decision.Response.Lowered.Select(feature => feature.ToString()));
        Assert.Contains("share.version from 1 to 0", decision.Response.Lowered.Select(feature => feature.ToString()));
        Assert.Equal(
            ["metadata.version=29", .. Served(29), "alice", "min.insync.replicas=1"], // eligible leaders bring the minimum along
            decision.Records.Select(Text));
    }

    [Fact]
    public void A_log_that_is_as_it_should_be_is_left_alone()
    {
        var image = MetadataImage.Empty.Apply(Bootstrap.Records());
        var decision = cluster.Controller.Activate(image, bootstrap: []);
        Assert.Empty(decision.Records);
        Assert.Empty(decision.Response.Lowered);
    }

    [Fact]
    public void Levels_in_the_log_that_are_not_served_are_lowered_there()
    {
        var image = MetadataImage.Empty.Apply(Bootstrap.Records(25, levels: FeatureSet.KafkaLevels(25)));
        var decision = cluster.Controller.Activate(image, bootstrap: []);
        Assert.Equal(NotServed(25).Select(feature => $"{feature.Name}={feature.Served}"), decision.Records.Select(Text));
        Assert.Equal(NotServed(25).Select(feature => $"{feature.Name} from {feature.Level} to {feature.Served}"), decision.Response.Lowered.Select(feature => feature.ToString()));
        Assert.Equal(["metadata.version=25", .. Served(25)], image.Apply(decision.Records).Features.Finalized.Select(feature => $"{feature.Key}={feature.Value}").OrderBy(text => text != "metadata.version=25"));
    }

    [Fact]
    public void Who_was_eligible_is_in_sync_once_there_are_no_eligible_leaders()
    {
        var topic = new Uuid(1, 1);
        var image = cluster.Image.Apply(
        [
            new TopicRecord { Name = "t", TopicId = topic },
            Partition(0, isr: [1], eligible: null, lastKnown: null),
            Partition(1, isr: [1], eligible: [2], lastKnown: null),
            Partition(2, isr: [], eligible: [2, 1], lastKnown: [1]),
            Partition(3, isr: [], eligible: null, lastKnown: [2]),
        ]);
        var request = new UpdateFeaturesRequest { FeatureUpdates = [new() { Feature = FeatureNames.EligibleLeaderReplicas, MaxVersionLevel = 0, UpgradeType = 2 }] };
        var after = image.Apply(cluster.Controller.UpdateFeatures(image, request, kraftVersion: 0, cluster.Context).Records);

        Assert.False(after.Features.HasEligibleLeaders);
        var partitions = after.Topics.ByName["t"].Partitions;
        Assert.Equal(["1", "1", "2,1", "2"], partitions.Values.Select(partition => string.Join(',', partition.Isr)));
        Assert.All(partitions.Values, partition => Assert.Empty(partition.EligibleLeaders.AddRange(partition.LastKnownEligibleLeaders)));

        PartitionRecord Partition(int id, int[] isr, int[]? eligible, int[]? lastKnown) => new()
        {
            TopicId = topic,
            PartitionId = id,
            Replicas = [1, 2],
            Isr = isr,
            EligibleLeaderReplicas = eligible,
            LastKnownElr = lastKnown,
            Leader = isr is [var first, ..] ? first : -1,
        };
    }

    [Fact]
    public void A_transaction_that_was_left_open_is_aborted()
    {
        var image = cluster.Image.Apply([new BeginTransactionRecord { Name = "x" }, new TopicRecord { Name = "t", TopicId = new Uuid(1, 1) }]);
        var decision = new Cluster(withEligibleLeaders: false).Controller.Activate(image, bootstrap: []);
        Assert.IsType<AbortTransactionRecord>(decision.Records[0]);
        var after = image.Apply(decision.Records);
        Assert.False(after.IsInTransaction);
        Assert.Equal(0, after.Topics.Count);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(30)]
    public void Levels_of_the_log_that_nobody_here_can_read_are_refused(short metadataVersion)
    {
        var record = new FeatureLevelRecord { Name = "metadata.version", FeatureLevel = metadataVersion };
        var fresh = cluster.Controller.Activate(MetadataImage.Empty, [record]);
        Assert.Equal($"metadata.version is {metadataVersion}, and this build works at 7 to 29", fresh.Response.Refusal);
        Assert.Empty(fresh.Records);
        Assert.NotNull(cluster.Controller.Activate(cluster.Image.Apply(record), []).Response.Refusal);
    }

    private static IEnumerable<(string Name, short Level, short Served)> NotServed(short metadataVersion) => FeatureSet.KafkaLevels(metadataVersion)
        .Select(feature => (feature.Key, feature.Value, FeatureSet.Served(feature.Key, feature.Value)))
        .Where(feature => feature.Value > feature.Item3);

    private static IEnumerable<string> Served(short metadataVersion) => FeatureSet.KafkaLevels(metadataVersion)
        .Where(feature => FeatureSet.Served(feature.Key, feature.Value) > 0)
        .Select(feature => $"{feature.Key}={FeatureSet.Served(feature.Key, feature.Value)}");

    private static string Text(IMetadataRecord record) => record switch
    {
        FeatureLevelRecord feature => $"{feature.Name}={feature.FeatureLevel}",
        ConfigRecord config => $"{config.Name}={config.Value}",
        UserScramCredentialRecord credential => credential.Name,
        _ => record.ToString()!,
    };
}
