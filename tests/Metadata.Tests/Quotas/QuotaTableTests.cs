using System.Net;
using Milena.Metadata.Images;
using Milena.Metadata.Quotas;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Quotas;

/// <summary>Which of several limits is a client's, and with whom it is shared.</summary>
public class QuotaTableTests
{
    [Fact]
    public void The_most_specific_limit_counts_and_the_users_come_before_the_clients()
    {
        // From the most to the least specific; taken away one after the other.
        (string Entity, QuotaHolder Holder)[] levels =
        [
            ("user=u client-id=c", new("u", "c")),
            ("user=u client-id=*", new("u", "c")),
            ("user=u", new("u", "")),
            ("user=* client-id=c", new("u", "c")),
            ("user=* client-id=*", new("u", "c")),
            ("user=*", new("u", "")),
            ("client-id=c", new("", "c")),
            ("client-id=*", new("", "c")),
        ];
        for (var i = 0; i < levels.Length; i++)
        {
            var table = Table([.. levels.Select((level, l) => (level.Entity, "consumer_byte_rate", 1.0 + l)).Skip(i)]);
            Assert.True(table.TryFind(QuotaKind.Fetch, "u", "c", out var limit));
            Assert.Equal(new QuotaLimit(1.0 + i, levels[i].Holder), limit);
        }
    }

    [Fact]
    public void A_limit_of_others_or_of_another_kind_does_not_count()
    {
        var table = Table(("user=u client-id=c", "producer_byte_rate", 1), ("client-id=d", "producer_byte_rate", 2), ("ip=::1", "connection_creation_rate", 3));
        Assert.True(table.Has(QuotaKind.Produce));
        Assert.False(table.TryFind(QuotaKind.Produce, "u", "", out _));
        Assert.False(table.TryFind(QuotaKind.Produce, "v", "c", out _));
        Assert.False(table.Has(QuotaKind.Fetch));
        Assert.False(table.TryFind(QuotaKind.Fetch, "u", "c", out _));
        Assert.True(table.TryFind(QuotaKind.Produce, "v", "d", out var limit));
        Assert.Equal(new QuotaLimit(2, new("", "d")), limit);
    }

    [Fact]
    public void An_address_has_its_own_rate_of_connections_or_the_default()
    {
        Assert.False(QuotaTable.Empty.HasConnectionRates);
        Assert.Null(QuotaTable.Empty.ConnectionRateOf(IPAddress.Loopback));
        var table = Table(("ip=127.0.0.1", "connection_creation_rate", 3), ("ip=*", "connection_creation_rate", 9));
        Assert.Equal(3, table.ConnectionRateOf(IPAddress.Loopback));
        Assert.Equal(9, table.ConnectionRateOf(IPAddress.IPv6Loopback));
    }

    private static QuotaTable Table(params (string Entity, string Key, double Value)[] quotas) => QuotaTable.From(MetadataImage.Empty.Apply(quotas.Select(quota =>
        new ClientQuotaRecord
        {
            Entity = [.. quota.Entity.Split(' ').Select(part => part.Split('=')).Select(part => new ClientQuotaRecord.EntityData
            {
                EntityType = part[0],
                EntityName = part[1] == "*" ? null : part[1],
            })],
            Key = quota.Key,
            Value = quota.Value,
        })).ClientQuotas);
}
