using Milena.Metadata.Images;
using Milena.Metadata.Quotas;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>DescribeClientQuotas (48), which any broker answers from its image.</summary>
public static class QuotaQueries
{
    private const sbyte MatchExact = 0;
    private const sbyte MatchDefault = 1;
    private const sbyte MatchSpecified = 2;

    /// <summary>
    /// The quotas of all entities that have a part for each component: of that name, the default, or any (the default is one). If
    /// it is strict, they must have no other part.
    /// </summary>
    public static DescribeClientQuotasResponse Describe(MetadataImage image, DescribeClientQuotasRequest request)
    {
        for (var i = 0; i < request.Components.Length; i++)
        {
            var type = request.Components[i].EntityType;
            var error = request.Components.Take(i).Any(other => other.EntityType == type)
                ? Invalid($"Entity type {type} cannot appear more than once in the filter.")
                : Check(request.Components[i]);
            if (error.IsError)
                return Refused(error);
        }

        if (request.Components.Length > 1 && request.Components.Any(component => component.EntityType == QuotaNames.Ip))
        {
            return Refused(Invalid("Invalid entity filter component combination: IP filter component should not be used with "
                + "user or clientId filter component."));
        }

        return new DescribeClientQuotasResponse
        {
            ErrorMessage = null,
            Entries = [.. image.ClientQuotas.ByEntity
                .Where(pair => Matches(pair.Key, request))
                .OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal)
                .Select(pair => Entry(pair.Key, pair.Value))],
        };
    }

    private static ApiError Check(DescribeClientQuotasRequest.ComponentData component) => component switch
    {
        { EntityType: "" } => Invalid("Invalid empty entity type."),
        { EntityType: not (QuotaNames.User or QuotaNames.ClientId or QuotaNames.Ip) and var type } =>
            new ApiError(ErrorCode.UnsupportedVersion, $"Custom entity type '{type}' not supported"),
        { MatchType: MatchExact, Match: null } => Invalid("Request specified MATCH_TYPE_EXACT, but set match string to null."),
        { MatchType: MatchDefault, Match: not null } => Invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string."),
        { MatchType: MatchSpecified, Match: not null } => Invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."),
        { MatchType: < MatchExact or > MatchSpecified } => Invalid($"Unknown match type {component.MatchType}"),
        _ => ApiError.None,
    };

    private static bool Matches(QuotaEntity entity, DescribeClientQuotasRequest request)
    {
        if (request.Strict && entity.Parts.Length != request.Components.Length)
            return false;
        return request.Components.All(component => entity.Parts.Any(part =>
            part.Key == component.EntityType && (component.MatchType == MatchSpecified || part.Value == component.Match)));
    }

    private static DescribeClientQuotasResponse.EntryData Entry(QuotaEntity entity, IEnumerable<KeyValuePair<string, double>> quotas) => new()
    {
        Entity = [.. entity.Parts.Select(part => new DescribeClientQuotasResponse.EntityData
        {
            EntityType = part.Key,
            EntityName = part.Value,
        })],
        Values = [.. quotas.Select(quota => new DescribeClientQuotasResponse.ValueData { Key = quota.Key, Value = quota.Value })],
    };

    private static DescribeClientQuotasResponse Refused(ApiError error) => new()
    {
        ErrorCode = error.Code,
        ErrorMessage = error.Message,
        Entries = null,
    };

    private static ApiError Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}
