using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>The levels of features are raised and lowered, by Kafka's rules (KIP-584, KIP-778, KIP-1022).</summary>
public class UpdateFeaturesTests
{
    private const sbyte Upgrade = 1;
    private const sbyte Safe = 2;
    private const sbyte Unsafe = 3;

    private readonly Cluster cluster = new Cluster(withEligibleLeaders: false).WithBrokers(1);

    [Fact]
    public void A_level_is_raised_and_nothing_else_changes()
    {
        Assert.Equal(25, cluster.Image.Features.MetadataVersion);
        Assert.Equal((ErrorCode.None, null), Update((FeatureNames.MetadataVersion, 29, Upgrade)));
        Assert.Equal(29, cluster.Image.Features.MetadataVersion);
        Assert.Equal((FeatureNames.MetadataVersion, (short)29), Level(Assert.Single(cluster.Records)));
        Assert.Equal((ErrorCode.None, null), Update((FeatureNames.MetadataVersion, 29, Upgrade)));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Who_only_tries_changes_nothing()
    {
        Assert.Equal((ErrorCode.None, null), Update(validateOnly: true, (FeatureNames.MetadataVersion, 29, Upgrade)));
        Assert.Empty(cluster.Records);
        Assert.Equal(ErrorCode.InvalidUpdateVersion, Update(validateOnly: true, (FeatureNames.MetadataVersion, 99, Upgrade)).Error);
    }

    [Theory]
    [InlineData("metadata.version", 30, Upgrade, "only supports versions 7-29")]
    [InlineData("metadata.version", 6, Safe, "only supports versions 7-29")]
    [InlineData("metadata.version", -1, Safe, "A feature version cannot be less than 0.")]
    [InlineData("metadata.version", 24, Upgrade, "without setting the upgrade type")]
    [InlineData("metadata.version", 29, Safe, "Can't downgrade to a newer version.")]
    [InlineData("metadata.version", 22, Safe, "might delete metadata information")]
    [InlineData("metadata.version", 22, Unsafe, "Unsafe metadata downgrade is not supported")]
    [InlineData("metadata.version", 29, 0, "does not support the given upgrade type")]
    [InlineData("metadata.version", 29, 4, "does not support the given upgrade type")]
    [InlineData("kraft.version", 1, Upgrade, "The voters of this quorum are configured")]
    [InlineData("share.version", 1, Upgrade, "does not support this feature")]
    [InlineData("no.such.version", 1, Upgrade, "does not support this feature")]
    public void A_level_that_cannot_be_is_refused_with_the_reason(string feature, short level, sbyte type, string reason)
    {
        var (error, message) = Update((feature, level, type));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, error);
        Assert.Contains($"Invalid update version {level} for feature {feature}.", message);
        Assert.Contains(reason, message);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void A_level_falls_safely_where_no_record_has_changed_between()
    {
        Assert.Equal((ErrorCode.None, null), Update((FeatureNames.MetadataVersion, 23, Safe)));
        Assert.Equal(23, cluster.Image.Features.MetadataVersion);
        Assert.Equal((ErrorCode.None, null), Update(version: 0, validateOnly: false, (FeatureNames.MetadataVersion, 24, 1)));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, Update(version: 0, validateOnly: false, (FeatureNames.MetadataVersion, 23, 1)).Error);
    }

    [Fact]
    public void One_that_cannot_be_keeps_the_others_from_changing()
    {
        Assert.Equal(ErrorCode.InvalidUpdateVersion, Update((FeatureNames.MetadataVersion, 29, Upgrade), (FeatureNames.Share, 1, Upgrade)).Error);
        Assert.Empty(cluster.Records);
        Assert.Equal(ErrorCode.InvalidRequest, Update((FeatureNames.MetadataVersion, 29, Upgrade), (FeatureNames.MetadataVersion, 28, Upgrade)).Error);
    }

    [Fact]
    public void A_broker_that_cannot_do_it_keeps_all_from_it()
    {
        cluster.Register(2, request => request.Features =
            [.. request.Features.Where(feature => feature.Name != FeatureNames.MetadataVersion), new() { Name = FeatureNames.MetadataVersion, MinSupportedVersion = 7, MaxSupportedVersion = 27 }]);
        Assert.Equal((ErrorCode.None, null), Update((FeatureNames.MetadataVersion, 27, Upgrade)));
        var (error, message) = Update((FeatureNames.MetadataVersion, 29, Upgrade));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, error);
        Assert.Contains("Broker 2 only supports versions 7-27", message);
    }

    [Fact]
    public void Eligible_leaders_bring_the_clusters_minimum_along_and_take_what_was_set_for_a_broker()
    {
        cluster.Do(cluster.Controller.IncrementalAlterConfigs(
            cluster.Image,
            new IncrementalAlterConfigsRequest
            {
                Resources = [new() { ResourceType = 4, ResourceName = "1", Configs = [new() { Name = "min.insync.replicas", Value = "2" }] }],
            },
            cluster.Context));
        Assert.Equal((ErrorCode.None, null), Update((FeatureNames.EligibleLeaderReplicas, 1, Upgrade)));
        Assert.True(cluster.Image.Features.HasEligibleLeaders);
        Assert.Equal("1", cluster.Image.Configs.Of(ConfigResource.AllBrokers)["min.insync.replicas"]);
        Assert.Empty(cluster.Image.Configs.Of(ConfigResource.Broker(1)));

        // And it cannot lose what it stands on.
        var (error, message) = Update((FeatureNames.MetadataVersion, 22, Safe));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, error);
        Assert.NotNull(message);
    }

    [Fact]
    public void A_feature_needs_the_level_of_another_that_it_depends_on()
    {
        var old = new Cluster(withEligibleLeaders: false);
        Assert.Equal((ErrorCode.None, null), Update(old, 2, false, (FeatureNames.MetadataVersion, 23, Safe)));
        var low = MetadataImage.Empty.Apply(new FeatureLevelRecord { Name = FeatureNames.MetadataVersion, FeatureLevel = 20 });
        var request = new UpdateFeaturesRequest { FeatureUpdates = [new() { Feature = FeatureNames.EligibleLeaderReplicas, MaxVersionLevel = 1, UpgradeType = Upgrade }] };
        var response = old.Controller.UpdateFeatures(low, request, kraftVersion: 0, old.Context).Response;
        Assert.Equal(ErrorCode.InvalidUpdateVersion, response.ErrorCode);
        Assert.Contains("it depends on metadata.version level 23", response.ErrorMessage);
    }

    [Fact]
    public void When_eligible_leaders_go_out_of_use_who_was_eligible_is_in_sync()
    {
        var eligible = new Cluster().WithBrokers(1, 2);
        eligible.Create(new CreateTopicsRequest.CreatableTopic
        {
            Name = "t", NumPartitions = -1, ReplicationFactor = -1,
            Assignments = [new() { PartitionIndex = 0, BrokerIds = [1, 2] }],
            Configs = [new() { Name = "min.insync.replicas", Value = "2" }],
        });
        eligible.Heartbeat(1, wantFence: true);
        eligible.Heartbeat(2, wantFence: true);
        Assert.Empty(eligible.Partition("t").Isr);
        Assert.Equal((ErrorCode.None, null), Update(eligible, 2, false, (FeatureNames.EligibleLeaderReplicas, 0, Safe)));
        Assert.Equal([1, 2], eligible.Partition("t").Isr.Order());
        Assert.Empty(eligible.Partition("t").EligibleLeaders);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Features_are_named_in_the_answer_up_to_version_1(short version, bool areNamed)
    {
        var request = new UpdateFeaturesRequest { FeatureUpdates = [new() { Feature = FeatureNames.MetadataVersion, MaxVersionLevel = 26, UpgradeType = Upgrade }] };
        var response = cluster.Controller.UpdateFeatures(cluster.Image, request, 0, cluster.Context with { Version = version }).Response;
        Assert.Equal(areNamed ? [FeatureNames.MetadataVersion] : [], response.Results.Select(result => result.Feature));
    }

    private static (string Name, short Level) Level(IMetadataRecord record)
    {
        var feature = Assert.IsType<FeatureLevelRecord>(record);
        return (feature.Name, feature.FeatureLevel);
    }

    private (ErrorCode Error, string? Message) Update(params (string, short, sbyte)[] updates) => Update(cluster, 2, false, updates);

    private (ErrorCode Error, string? Message) Update(bool validateOnly, params (string, short, sbyte)[] updates) => Update(cluster, 2, validateOnly, updates);

    private (ErrorCode Error, string? Message) Update(short version, bool validateOnly, params (string, short, sbyte)[] updates) =>
        Update(cluster, version, validateOnly, updates);

    private static (ErrorCode Error, string? Message) Update(
        Cluster cluster, short version, bool validateOnly, params (string Name, short Level, sbyte Type)[] updates)
    {
        var request = new UpdateFeaturesRequest
        {
            ValidateOnly = validateOnly,
            FeatureUpdates = [.. updates.Select(update => new UpdateFeaturesRequest.FeatureUpdateKey
            {
                Feature = update.Name, MaxVersionLevel = update.Level, UpgradeType = update.Type,
            })],
        };
        var response = cluster.Do(cluster.Controller.UpdateFeatures(cluster.Image, request, kraftVersion: 0, cluster.Context with { Version = version }));
        return (response.ErrorCode, response.ErrorMessage);
    }
}
