using System.Text.RegularExpressions;
using Milena.Broker.Dispatch;
using Milena.Metadata.Features;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ApiVersions (18): which APIs and versions are served, exactly.</summary>
/// <remarks>
/// v3 names the client's software and is answered with header version 0 all the same (KIP-511); features with a minimum level
/// of 0 are left out before v4. A version from the future is answered in the shape of v0 by <see cref="Unsupported"/>, so that
/// the client can ask again.
/// </remarks>
internal sealed partial class ApiVersionsApi(ApiRegistry registry, MetadataCache metadata)
    : IApi<ApiVersionsRequest, ApiVersionsResponse>
{
    private const short NamesSoftwareFrom = 3;
    private const short MinimumLevelZeroFrom = 4;

    public static VersionRange Versions => new(0, 4);

    public ValueTask<ApiVersionsResponse?> Handle(ApiVersionsRequest request, RequestContext context)
    {
        if (context.Version >= NamesSoftwareFrom)
        {
            if (!SoftwareName().IsMatch(request.ClientSoftwareName) || !SoftwareName().IsMatch(request.ClientSoftwareVersion))
                return new(new ApiVersionsResponse { ErrorCode = ErrorCode.InvalidRequest });
            var state = ConnectionState.Of(context.Connection);
            state.ClientSoftwareName = request.ClientSoftwareName;
            state.ClientSoftwareVersion = request.ClientSoftwareVersion;
        }

        var image = metadata.Image;
        var response = new ApiVersionsResponse
        {
            ApiKeys = [.. registry.All.Select(Describe)],
            SupportedFeatures =
            [
                .. FeatureSet.Supported
                    .Where(feature => feature.Value.Min > 0 || context.Version >= MinimumLevelZeroFrom)
                    .Select(feature => new ApiVersionsResponse.SupportedFeatureKey
                    {
                        Name = feature.Key,
                        MinVersion = feature.Value.Min,
                        MaxVersion = feature.Value.Max,
                    }),
            ],
            FinalizedFeaturesEpoch = image.EndOffset - 1,
            FinalizedFeatures =
            [
                .. metadata.FinalizedFeatures.Select(feature => new ApiVersionsResponse.FinalizedFeatureKey
                {
                    Name = feature.Key,
                    MinVersionLevel = feature.Value,
                    MaxVersionLevel = feature.Value,
                }),
            ],
        };
        return new(response);
    }

    /// <summary>What is said to a version that this broker does not know: version 0, error 35, and the range to choose from.</summary>
    public static ApiVersionsResponse Unsupported() => new()
    {
        ErrorCode = ErrorCode.UnsupportedVersion,
        ApiKeys =
        [
            new() { ApiKey = (short)ApiKey.ApiVersions, MinVersion = Versions.Min, MaxVersion = Versions.Max },
        ],
    };

    private static ApiVersionsResponse.ApiVersion Describe(ApiEndpoint endpoint) => new()
    {
        ApiKey = (short)endpoint.Key,
        MinVersion = endpoint.Versions.Min,
        MaxVersion = endpoint.Versions.Max,
    };

    [GeneratedRegex(@"^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex SoftwareName();
}
