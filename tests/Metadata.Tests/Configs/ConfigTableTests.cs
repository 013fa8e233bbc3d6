using Milena.Metadata.Configs;

namespace Milena.Metadata.Tests.Configs;

public class ConfigTableTests
{
    public static TheoryData<ConfigScope> Scopes => [.. Enum.GetValues<ConfigScope>()];

    [Fact]
    public void The_table_holds_every_configuration_of_Kafka_and_one_of_ours()
    {
        Assert.Equal(387, ConfigTable.All(ConfigScope.Broker).Count);
        Assert.Equal(37, ConfigTable.All(ConfigScope.Topic).Count);
        Assert.Equal(27, ConfigTable.All(ConfigScope.Group).Count);
        Assert.Equal("auto", ConfigTable.Find(ConfigScope.Broker, "log.flush.before.ack")!.Default);
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public void Every_default_is_a_valid_value(ConfigScope scope)
    {
        foreach (var def in ConfigTable.All(scope).Values)
            Assert.Null(def.Parse(def.Default).Error);
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public void Every_default_is_shown_as_it_stands_in_the_table(ConfigScope scope)
    {
        foreach (var def in ConfigTable.All(scope).Values.Where(def => !def.IsSensitive))
            Assert.Equal(def.Default, def.Format(def.Parse(def.Default).Value));
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public void Every_bound_is_enforced_on_both_sides(ConfigScope scope)
    {
        foreach (var def in ConfigTable.All(scope).Values)
        {
            if (def.Rule.ToString() is not ['[', _, ..] rule || def.Type is ConfigType.String or ConfigType.List)
                continue;
            var bounds = rule[1..rule.IndexOf(']')].Split(',');
            var (min, max) = (double.Parse(bounds[0]), bounds.Length == 3 ? double.Parse(bounds[2]) : (double?)null);
            var tooSmall = def.Rule.ToString().EndsWith("or -1", StringComparison.Ordinal) ? -2 : min - 1;
            Assert.Null(def.Parse(bounds[0]).Error);
            Assert.Equal($"Invalid value {tooSmall} for configuration {def.Name}: Value must be at least {min}", def.Parse($"{tooSmall}").Error);
            if (max is null)
                continue;
            Assert.Null(def.Parse(bounds[2]).Error);
            Assert.Equal($"Invalid value {max + 1} for configuration {def.Name}: Value must be no more than {max}", def.Parse($"{max + 1}").Error);
        }
    }

    [Theory]
    [InlineData("num.partitions", "three", "Invalid value three for configuration num.partitions: Not a number of type INT")]
    [InlineData("num.partitions", "99999999999", "Invalid value 99999999999 for configuration num.partitions: Not a number of type INT")]
    [InlineData("offsets.topic.replication.factor", "40000", "Invalid value 40000 for configuration offsets.topic.replication.factor: Not a number of type SHORT")]
    [InlineData("log.retention.ms", "1d", "Invalid value 1d for configuration log.retention.ms: Not a number of type LONG")]
    [InlineData("log.cleaner.io.buffer.load.factor", "x", "Invalid value x for configuration log.cleaner.io.buffer.load.factor: Not a number of type DOUBLE")]
    [InlineData("auto.create.topics.enable", "yes", "Invalid value yes for configuration auto.create.topics.enable: Expected value to be either true or false")]
    [InlineData("log.flush.before.ack", "sometimes", "Invalid value sometimes for configuration log.flush.before.ack: Value must be one of: auto, always, never")]
    [InlineData("log.cleanup.policy", "delete,shred", "Invalid value delete,shred for configuration log.cleanup.policy: Every value of the list must be one of: compact, delete")]
    [InlineData("log.cleanup.policy", "delete,delete", "Invalid value delete,delete for configuration log.cleanup.policy: A value stands in the list more than once")]
    [InlineData("rlmm.config.remote.log.metadata.topic.num.partitions", "0", "Invalid value 0 for configuration remote.log.metadata.topic.num.partitions: Value must be at least 1")]
    [InlineData("remote.log.storage.manager.impl.prefix", "", "Invalid value  for configuration remote.log.storage.manager.impl.prefix: Value must not be empty")]
    [InlineData("controller.quorum.voters", "localhost:9093", "Invalid value localhost:9093 for configuration controller.quorum.voters: Every value of the list must have the form {id}@{host}:{port}")]
    public void A_wrong_value_is_refused_by_name_value_and_rule(string name, string text, string error) =>
        Assert.Equal(error, ConfigTable.FindBroker(name)!.Parse(text).Error);

    [Theory]
    [InlineData("auto.create.topics.enable", " TRUE ", true)]
    [InlineData("num.partitions", " +3", 3)]
    [InlineData("compression.gzip.level", "-1", -1)]
    [InlineData("group.consumer.migration.policy", "Upgrade", "Upgrade")]
    [InlineData("log.cleaner.min.cleanable.ratio", "1e-1", 0.1)]
    public void Values_are_read_as_Kafka_reads_them(string name, string text, object value) =>
        Assert.Equal(value, ConfigTable.FindBroker(name)!.Parse(text).Value);

    [Theory]
    [InlineData("", new string[0])]
    [InlineData(" a , b,c ", new[] { "a", "b", "c" })]
    public void Lists_are_separated_by_commas_and_spaces_do_not_count(string text, string[] value) =>
        Assert.Equal(value, ConfigTable.FindBroker("log.dirs")!.Parse(text).Value);

    [Theory]
    [InlineData("latest", true)]
    [InlineData("earliest", true)]
    [InlineData("by_duration:P7D", true)]
    [InlineData("by_duration:PT1H30M", true)]
    [InlineData("by_duration:P1DT2H3M4.5S", true)]
    [InlineData("by_duration:-P1D", false)]
    [InlineData("by_duration:P1M", false)]
    [InlineData("by_duration:PT", false)]
    [InlineData("by_duration:P", false)]
    [InlineData("none", false)]
    public void A_share_group_may_start_at_an_age(string text, bool isValid) =>
        Assert.Equal(isValid, ConfigTable.Find(ConfigScope.Group, "share.auto.offset.reset")!.Parse(text).Error is null);

    [Theory]
    [InlineData("0:1,1:2", true)]
    [InlineData("*", true)]
    [InlineData("", true)]
    [InlineData("0", false)]
    [InlineData("0:-1", false)]
    public void Throttled_replicas_are_pairs_or_all(string text, bool isValid) =>
        Assert.Equal(isValid, ConfigTable.Find(ConfigScope.Topic, "leader.replication.throttled.replicas")!.Parse(text).Error is null);

    [Theory]
    [InlineData("listener.name.internal.ssl.keystore.location", "ssl.keystore.location")]
    [InlineData("listener.name.internal.plain.sasl.jaas.config", "sasl.jaas.config")]
    [InlineData("listener.name.internal.num.network.threads", "num.network.threads")]
    [InlineData("listener.name.internal.nonsense", null)]
    [InlineData("listener.name.", null)]
    [InlineData("nonsense", null)]
    public void A_name_may_be_narrowed_to_a_listener_and_a_mechanism(string name, string? expected) =>
        Assert.Equal(expected, ConfigTable.FindBroker(name)?.Name);

    [Fact]
    public void Passwords_are_never_shown()
    {
        var password = ConfigTable.FindBroker("ssl.key.password")!;
        Assert.True(password.IsSensitive);
        Assert.Null(password.Format("secret"));
        Assert.DoesNotContain("secret", (password with { Rule = ConfigTable.FindBroker("log.flush.before.ack")!.Rule }).Parse("secret").Error);
    }

    [Fact]
    public void Names_of_later_releases_are_known_but_not_current()
    {
        Assert.False(ConfigTable.Find(ConfigScope.Topic, "remote.copy.lag.ms")!.IsCurrent);
        Assert.False(ConfigTable.FindBroker("group.coordinator.new.enable")!.IsCurrent);
        Assert.True(ConfigTable.FindBroker("group.share.enable")!.IsCurrent);
        Assert.True(ConfigTable.FindBroker("config.providers")!.IsCurrent);
    }

    [Fact]
    public void Every_synonym_of_a_topic_is_a_configuration_of_the_broker()
    {
        foreach (var synonym in ConfigTable.All(ConfigScope.Topic).Values.SelectMany(def => def.Synonyms))
            Assert.NotNull(ConfigTable.Find(ConfigScope.Broker, synonym.Name));
    }

    [Fact]
    public void Every_name_that_we_act_on_exists() =>
        Assert.All(ConfigSupport.Names, name => Assert.NotNull(ConfigTable.Find(ConfigScope.Broker, name)));
}
