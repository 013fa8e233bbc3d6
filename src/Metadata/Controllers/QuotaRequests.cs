using System.Net;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Quotas;
using Milena.Protocol;

namespace Milena.Metadata.Controllers;

/// <summary>What may be asked for in AlterClientQuotas: for whom, and how much of what.</summary>
internal static class QuotaRequests
{
    /// <summary>How far a number of whole units may be off and still count as whole.</summary>
    private const double WholeWithin = 1e-6;

    /// <summary>Whether quotas can be set for that entity; a type must not be named twice.</summary>
    public static ApiError CheckEntity(IReadOnlyList<KeyValuePair<string, string?>> parts)
    {
        if (parts.Count == 0)
            return Invalid("Invalid empty client quota entity");
        for (var i = 0; i < parts.Count; i++)
        {
            var (type, name) = parts[i];
            if (type is not (QuotaNames.User or QuotaNames.ClientId or QuotaNames.Ip))
                return Invalid($"Unhandled client quota entity type: {type}");
            if (parts.Take(i).Any(part => part.Key == type))
                return Invalid($"Invalid client quota entity, duplicate entity entry {type}");
            if (name == "")
                return Invalid($"Empty {type} not supported");
        }

        if (parts.All(part => part.Key != QuotaNames.Ip))
            return ApiError.None;
        if (parts.Count > 1)
            return Invalid("Invalid quota entity combination, IP entity should not be combined with User or ClientId");

        // Names are not looked up: they may stand for several addresses, and for others tomorrow.
        return parts[0].Value is null || IPAddress.TryParse(parts[0].Value, out _)
            ? ApiError.None
            : Invalid($"{parts[0].Value} is not a valid IP address.");
    }

    /// <summary>Whether that quota can be set to that value for that entity.</summary>
    public static ApiError CheckValue(QuotaEntity entity, string key, double value)
    {
        if (Find(entity, key) is not { } def)
            return Invalid($"Invalid configuration key {key}");
        if (!(value > 0) || double.IsInfinity(value))
            return Invalid($"Quota {key} must be greater than 0");
        if (def.Type == ConfigType.Double)
            return ApiError.None;
        if (value > (def.Type == ConfigType.Int ? int.MaxValue : long.MaxValue))
            return Invalid($"Proposed value for {key} is too large for an {def.Type.ToString().ToUpperInvariant()}.");
        return Math.Abs(Math.Floor(value + WholeWithin) - value) <= WholeWithin
            ? ApiError.None
            : Invalid($"{key} cannot be a fractional value.");
    }

    /// <summary>Whether there is a quota of that name for that entity; what is not there can still be taken away.</summary>
    private static ConfigDef? Find(QuotaEntity entity, string key) =>
        ConfigTable.Find(entity.Parts[0].Key == QuotaNames.Ip ? ConfigScope.IpQuota : ConfigScope.Quota, key);

    private static ApiError Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}
