using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>AlterClientQuotas (49).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// AlterClientQuotas (49): sets and removes quotas. An entity is altered whole or not at all, and not if it is named twice. To
    /// remove what is not set, or to set what is set already, is no error and leaves no record.
    /// </summary>
    public Decision<AlterClientQuotasResponse, IMetadataRecord> AlterClientQuotas(MetadataImage image, AlterClientQuotasRequest request)
    {
        var records = new List<IMetadataRecord>();
        var responses = new List<AlterClientQuotasResponse.EntryData>();
        foreach (var entries in request.Entries.GroupBy(EntityOf))
        {
            var altered = new List<IMetadataRecord>();
            var error = entries.Count() > 1
                ? new ApiError(ErrorCode.InvalidRequest, "Each client quota entity must appear at most once.")
                : AlterQuotas(image, entries.Key, entries.First(), altered);
            responses.AddRange(entries.Select(entry => Answer(entry, error)));
            if (!error.IsError)
                records.AddRange(altered);
        }

        if (records.Count > RecordsPerRequestMax)
            return new(new AlterClientQuotasResponse { Entries = [.. request.Entries.Select(entry => Answer(entry, TooManyRecords))] });
        var response = new AlterClientQuotasResponse { Entries = [.. responses] };
        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    private static ApiError AlterQuotas(
        MetadataImage image, QuotaEntity entity, AlterClientQuotasRequest.EntryData entry, List<IMetadataRecord> records)
    {
        if (QuotaRequests.CheckEntity(entity.Parts) is { IsError: true } invalid)
            return invalid;
        var before = image.ClientQuotas.Of(entity);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var op in entry.Ops)
        {
            if (!keys.Add(op.Key))
                return new ApiError(ErrorCode.InvalidRequest, $"Duplicate quota key {op.Key} not updated for entity {entity}");
            var isSet = before.TryGetValue(op.Key, out var value);
            if (op.Remove)
            {
                if (isSet)
                    records.Add(Record(entity, op.Key, 0, remove: true));
                continue;
            }

            if (QuotaRequests.CheckValue(entity, op.Key, op.Value) is { IsError: true } refused)
                return refused;
            if (!isSet || value != op.Value)
                records.Add(Record(entity, op.Key, op.Value, remove: false));
        }

        return ApiError.None;
    }

    private static QuotaEntity EntityOf(AlterClientQuotasRequest.EntryData entry) =>
        new(entry.Entity.Select(part => KeyValuePair.Create(part.EntityType, part.EntityName)));

    private static ClientQuotaRecord Record(QuotaEntity entity, string key, double value, bool remove) => new()
    {
        Entity = [.. entity.Parts.Select(part => new ClientQuotaRecord.EntityData { EntityType = part.Key, EntityName = part.Value })],
        Key = key,
        Value = value,
        Remove = remove,
    };

    private static AlterClientQuotasResponse.EntryData Answer(AlterClientQuotasRequest.EntryData entry, ApiError error) => new()
    {
        ErrorCode = error.Code,
        ErrorMessage = error.Message,
        Entity = [.. entry.Entity.Select(part => new AlterClientQuotasResponse.EntityData
        {
            EntityType = part.EntityType,
            EntityName = part.EntityName,
        })],
    };
}
