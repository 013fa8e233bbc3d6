using System.Collections.Immutable;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>
/// Whom a quota is for: a type (<c>user</c>, <c>client-id</c>, <c>ip</c>) and a name each, null for the default of that type.
/// Two entities are one if they say the same in another order.
/// </summary>
public sealed class QuotaEntity : IEquatable<QuotaEntity>
{
    /// <param name="parts">Types and names, in any order.</param>
    public QuotaEntity(IEnumerable<KeyValuePair<string, string?>> parts) =>
        Parts = [.. parts.OrderBy(part => part.Key, StringComparer.Ordinal)];

    /// <summary>Types and names, by type.</summary>
    public ImmutableArray<KeyValuePair<string, string?>> Parts { get; }

    /// <inheritdoc/>
    public bool Equals(QuotaEntity? other) => other is not null && Parts.AsSpan().SequenceEqual(other.Parts.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as QuotaEntity);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var part in Parts)
            hash.Add(part);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', Parts.Select(part => $"{part.Key}={part.Value ?? "<default>"}"));
}

/// <summary>Client quotas.</summary>
public sealed record ClientQuotasImage
{
    private static readonly ImmutableSortedDictionary<string, double> Nothing =
        ImmutableSortedDictionary<string, double>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>No quotas.</summary>
    public static ClientQuotasImage Empty { get; } = new();

    /// <summary>Quotas by entity and name, for example <c>producer_byte_rate</c>.</summary>
    public ImmutableDictionary<QuotaEntity, ImmutableSortedDictionary<string, double>> ByEntity { get; private init; } =
        ImmutableDictionary<QuotaEntity, ImmutableSortedDictionary<string, double>>.Empty;

    /// <summary>What is set for an entity, by name; empty for nothing.</summary>
    public ImmutableSortedDictionary<string, double> Of(QuotaEntity entity) => ByEntity.GetValueOrDefault(entity, Nothing);

    internal ClientQuotasImage With(ClientQuotaRecord record)
    {
        var entity = new QuotaEntity(record.Entity.Select(part => new KeyValuePair<string, string?>(part.EntityType, part.EntityName)));
        var before = Of(entity);
        var after = record.Remove ? before.Remove(record.Key) : before.SetItem(record.Key, record.Value);
        return new ClientQuotasImage { ByEntity = after.IsEmpty ? ByEntity.Remove(entity) : ByEntity.SetItem(entity, after) };
    }

    internal IEnumerable<ClientQuotaRecord> ToRecords() =>
        from entity in ByEntity.OrderBy(entity => entity.Key.ToString(), StringComparer.Ordinal)
        from quota in entity.Value
        select new ClientQuotaRecord
        {
            Entity = [.. entity.Key.Parts.Select(part => new ClientQuotaRecord.EntityData { EntityType = part.Key, EntityName = part.Value })],
            Key = quota.Key,
            Value = quota.Value,
        };
}
