using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>AlterClientQuotas and DescribeClientQuotas. Entities are written <c>user=u client-id=*</c>, where * is the default.</summary>
public class QuotasTests
{
    private const string All = "";

    private readonly Cluster cluster = new Cluster().WithBrokers(1);

    [Fact]
    public void Quotas_are_set_changed_and_removed()
    {
        Ok("user=u client-id=c", ("producer_byte_rate", 1000), ("request_percentage", 12.5));
        Ok("client-id=* user=u", ("consumer_byte_rate", 5));
        Ok("ip=10.0.0.1", ("connection_creation_rate", 7));
        Assert.Equal(
            [
                "client-id=<default> user=u: consumer_byte_rate=5",
                "client-id=c user=u: producer_byte_rate=1000 request_percentage=12.5",
                "ip=10.0.0.1: connection_creation_rate=7",
            ],
            Describe());

        Ok("client-id=c user=u", ("producer_byte_rate", 2000), ("request_percentage", null));
        Ok("user=u client-id=*", ("consumer_byte_rate", null));
        Assert.Equal(["client-id=c user=u: producer_byte_rate=2000", "ip=10.0.0.1: connection_creation_rate=7"], Describe());

        Ok("user=u client-id=c", ("producer_byte_rate", 2000), ("consumer_byte_rate", null), ("no_such_quota", null));
        Assert.Empty(cluster.Records); // nothing is different
    }

    [Theory]
    [InlineData("user=u", "producer_byte_rate", 0)]
    [InlineData("user=u", "producer_byte_rate", -1)]
    [InlineData("user=u", "producer_byte_rate", 0.5)]
    [InlineData("user=u", "producer_byte_rate", 1e19)]
    [InlineData("user=u", "consumer_byte_rate", 10.5)]
    [InlineData("user=u", "request_percentage", double.NaN)]
    [InlineData("user=u", "request_percentage", double.PositiveInfinity)]
    [InlineData("user=u", "no_such_quota", 1)]
    [InlineData("user=u", "SCRAM-SHA-256", 1)]
    [InlineData("user=u", "connection_creation_rate", 1)]
    [InlineData("ip=10.0.0.1", "producer_byte_rate", 1)]
    [InlineData("ip=10.0.0.1", "connection_creation_rate", 2147483648.0)]
    [InlineData("ip=10.0.0.1", "connection_creation_rate", 1.5)]
    [InlineData("ip=some.host", "connection_creation_rate", 1)]
    [InlineData("ip=10.0.0.1 user=u", "connection_creation_rate", 1)]
    [InlineData("ip=* client-id=*", "connection_creation_rate", 1)]
    [InlineData("user=u user=u", "producer_byte_rate", 1)]
    [InlineData("user=u user=v", "producer_byte_rate", 1)]
    [InlineData("group=g", "producer_byte_rate", 1)]
    [InlineData("user=", "producer_byte_rate", 1)]
    [InlineData("", "producer_byte_rate", 1)]
    public void What_cannot_be_is_refused_and_changes_nothing(string entity, string key, double value)
    {
        var response = Alter(Entry(entity, (key, value)));
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(response).ErrorCode);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void An_entity_is_altered_whole_or_not_at_all_and_only_if_it_is_named_once()
    {
        var response = Alter(
            Entry("user=u", ("producer_byte_rate", 1), ("consumer_byte_rate", -1)),
            Entry("user=v", ("producer_byte_rate", 1)),
            Entry("user=w client-id=c", ("producer_byte_rate", 1)),
            Entry("client-id=c user=w", ("producer_byte_rate", 2)),
            Entry("user=x", ("producer_byte_rate", 1), ("producer_byte_rate", 2)));
        Assert.Equal(
            [ErrorCode.InvalidRequest, ErrorCode.None, ErrorCode.InvalidRequest, ErrorCode.InvalidRequest, ErrorCode.InvalidRequest],
            response.Select(entry => entry.ErrorCode));
        Assert.Equal(["user=v: producer_byte_rate=1"], Describe());
    }

    [Fact]
    public void A_validation_changes_nothing()
    {
        var request = new AlterClientQuotasRequest { Entries = [Entry("user=u", ("producer_byte_rate", 1))], ValidateOnly = true };
        Assert.Equal(ErrorCode.None, Assert.Single(cluster.Do(cluster.Controller.AlterClientQuotas(cluster.Image, request)).Entries).ErrorCode);
        Assert.Empty(cluster.Records);
        Assert.Empty(Describe());
    }

    [Theory]
    [InlineData(All, false, "uc u* u *c ** * c *client ip ip*")]
    [InlineData("user=u", false, "uc u* u")]
    [InlineData("user=u", true, "u")]
    [InlineData("user=*", false, "*c ** *")]
    [InlineData("user=*", true, "*")]
    [InlineData("user=?", false, "uc u* u *c ** *")]
    [InlineData("user=?", true, "u *")]
    [InlineData("client-id=c", false, "uc *c c")]
    [InlineData("client-id=?", true, "c *client")]
    [InlineData("user=u client-id=?", false, "uc u*")]
    [InlineData("user=? client-id=*", true, "u* **")]
    [InlineData("user=v", false, "")]
    [InlineData("ip=?", true, "ip ip*")]
    [InlineData("ip=10.0.0.1", false, "ip")]
    [InlineData("ip=*", false, "ip*")]
    [InlineData(All, true, "")]
    public void Entities_are_found_by_name_by_default_by_type_and_strictly(string filter, bool isStrict, string expected)
    {
        (string Short, string Entity)[] entities =
        [
            ("uc", "user=u client-id=c"), ("u*", "user=u client-id=*"), ("u", "user=u"), ("*c", "user=* client-id=c"),
            ("**", "user=* client-id=*"), ("*", "user=*"), ("c", "client-id=c"), ("*client", "client-id=*"), ("ip", "ip=10.0.0.1"), ("ip*", "ip=*"),
        ];
        foreach (var (_, entity) in entities)
            Ok(entity, (entity.StartsWith("ip") ? "connection_creation_rate" : "producer_byte_rate", 1));
        var found = Describe(isStrict, filter);
        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => Text(entities.Single(entity => entity.Short == name).Entity)).Order(),
            found.Select(line => line[..line.LastIndexOf(": ", StringComparison.Ordinal)]).Order());
    }

    [Theory]
    [InlineData(ErrorCode.InvalidRequest, "user", 0, null)]
    [InlineData(ErrorCode.InvalidRequest, "user", 1, "u")]
    [InlineData(ErrorCode.InvalidRequest, "user", 2, "u")]
    [InlineData(ErrorCode.InvalidRequest, "user", 3, null)]
    [InlineData(ErrorCode.InvalidRequest, "user", -1, "u")]
    [InlineData(ErrorCode.InvalidRequest, "", 0, "u")]
    [InlineData(ErrorCode.UnsupportedVersion, "group", 0, "g")]
    public void A_filter_that_means_nothing_is_refused(ErrorCode error, string type, sbyte match, string? name)
    {
        var response = QuotaQueries.Describe(cluster.Image, new DescribeClientQuotasRequest { Components = [new() { EntityType = type, MatchType = match, Match = name }] });
        Assert.Equal(error, response.ErrorCode);
        Assert.NotNull(response.ErrorMessage);
        Assert.Null(response.Entries);
    }

    [Theory]
    [InlineData("user", "user")]
    [InlineData("ip", "user")]
    [InlineData("client-id", "ip")]
    public void A_filter_by_types_that_do_not_go_together_is_refused(string one, string other)
    {
        var response = QuotaQueries.Describe(cluster.Image, new DescribeClientQuotasRequest
        {
            Components = [new() { EntityType = one, MatchType = 2 }, new() { EntityType = other, MatchType = 2 }],
        });
        Assert.Equal(ErrorCode.InvalidRequest, response.ErrorCode);
    }

    private void Ok(string entity, params (string Key, double? Value)[] ops) =>
        Assert.Equal((ErrorCode.None, null), Assert.Single(Alter(Entry(entity, ops))) is var entry ? (entry.ErrorCode, entry.ErrorMessage) : default);

    private AlterClientQuotasResponse.EntryData[] Alter(params AlterClientQuotasRequest.EntryData[] entries) =>
        cluster.Do(cluster.Controller.AlterClientQuotas(cluster.Image, new AlterClientQuotasRequest { Entries = entries })).Entries;

    private string[] Describe(bool isStrict = false, string filter = All)
    {
        var response = QuotaQueries.Describe(cluster.Image, new DescribeClientQuotasRequest
        {
            Strict = isStrict,
            Components = [.. Parts(filter).Select(part => new DescribeClientQuotasRequest.ComponentData
            {
                EntityType = part.Type,
                MatchType = part.Name switch { null => 1, "?" => 2, _ => 0 },
                Match = part.Name == "?" ? null : part.Name,
            })],
        });
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return [.. response.Entries!.Select(entry =>
            $"{new QuotaEntity(entry.Entity.Select(part => KeyValuePair.Create(part.EntityType, part.EntityName)))}: "
            + string.Join(' ', entry.Values.Select(value => FormattableString.Invariant($"{value.Key}={value.Value}"))))];
    }

    private static AlterClientQuotasRequest.EntryData Entry(string entity, params (string Key, double? Value)[] ops) => new()
    {
        Entity = [.. Parts(entity).Select(part => new AlterClientQuotasRequest.EntityData { EntityType = part.Type, EntityName = part.Name })],
        Ops = [.. ops.Select(op => new AlterClientQuotasRequest.OpData { Key = op.Key, Value = op.Value ?? 0, Remove = op.Value is null })],
    };

    private static string Text(string entity) =>
        new QuotaEntity(Parts(entity).Select(part => KeyValuePair.Create(part.Type, part.Name))).ToString();

    private static IEnumerable<(string Type, string? Name)> Parts(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.Split('='))
        .Select(part => (part[0], part[1] == "*" ? null : part[1]));
}
