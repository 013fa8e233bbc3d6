using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>Quotas, of addresses that nobody comes from: where bytes are changed at random, nobody else is to be held up.</summary>
internal static partial class Samples
{
    private static IEnumerable<Sample> Quotas()
    {
        yield return Alter("a quota", "ip", "10.9.8.7", "connection_creation_rate", 100, remove: false);
        yield return Alter("no quota", "ip", "10.9.8.7", "connection_creation_rate", 0, remove: true);
        yield return Alter("default", "ip", null, "connection_creation_rate", 100, remove: true);
        yield return Alter("negative", "user", "u", "producer_byte_rate", -1, remove: false);
        yield return Alter("no such quota", "user", "u", "no_such_quota", 1, remove: false);
        yield return Sample.Of("nobody", _ => new AlterClientQuotasRequest { Entries = [new() { Entity = [], Ops = [] }] });
        yield return Sample.Of("no quotas at all", _ => new AlterClientQuotasRequest { Entries = [], ValidateOnly = true });
        yield return Sample.Of("everything", _ => new DescribeClientQuotasRequest { Components = [] });
        foreach (var match in new sbyte[] { 0, 1, 2, 3, -1 })
        {
            yield return Sample.Of($"match {match}", _ => new DescribeClientQuotasRequest
            {
                Components = [new() { EntityType = "ip", MatchType = match, Match = match == 0 ? "10.9.8.7" : null }],
                Strict = match > 0,
            });
        }
    }

    private static Sample Alter(string name, string type, string? entity, string key, double value, bool remove) => Sample.Of(name, _ => new AlterClientQuotasRequest
    {
        Entries = [new() { Entity = [new() { EntityType = type, EntityName = entity }], Ops = [new() { Key = key, Value = value, Remove = remove }] }],
    });
}
