using System.Diagnostics.CodeAnalysis;

namespace Milena.Protocol;

/// <summary>What the protocol's tables know about an API.</summary>
/// <param name="Key">Its number.</param>
/// <param name="Versions">The stable versions.</param>
/// <param name="AllVersions">Stable and unstable versions: all that can be encoded.</param>
/// <param name="FirstFlexibleRequest">The first version whose request is flexible; above all others if none is.</param>
/// <param name="FirstFlexibleResponse">The same for the response.</param>
/// <param name="IsServedByBroker">Whether a broker's listener serves it.</param>
/// <param name="IsServedByController">Whether a controller's listener serves it.</param>
public sealed record ApiInfo(
    ApiKey Key,
    VersionRange Versions,
    VersionRange AllVersions,
    short FirstFlexibleRequest,
    short FirstFlexibleResponse,
    bool IsServedByBroker,
    bool IsServedByController)
{
    /// <summary>The API's name.</summary>
    public string Name { get; } = Key.ToString();

    /// <summary>The version of the request's header; only ControlledShutdown 0 lacks the client id.</summary>
    public short RequestHeaderVersion(short version) =>
        version >= FirstFlexibleRequest ? (short)2 : Key == ApiKey.ControlledShutdown && version == 0 ? (short)0 : (short)1;

    /// <summary>
    /// The version of the response's header. ApiVersions keeps 0, for its client does not know yet what the server speaks.
    /// </summary>
    public short ResponseHeaderVersion(short version) =>
        version >= FirstFlexibleResponse && Key != ApiKey.ApiVersions ? (short)1 : (short)0;
}

/// <summary>All APIs of the protocol, served or not.</summary>
public static partial class ApiTable
{
    private static readonly ApiInfo?[] Rows = CreateRows();

    /// <summary>All APIs by ascending key.</summary>
    public static IEnumerable<ApiInfo> All => Rows.OfType<ApiInfo>();

    /// <summary>The API with a number from the wire.</summary>
    public static bool TryGet(short key, [NotNullWhen(true)] out ApiInfo? info)
    {
        info = (ushort)key < Rows.Length ? Rows[key] : null;
        return info is not null;
    }

    /// <summary>A known API.</summary>
    public static ApiInfo Get(ApiKey key) => Rows[(int)key]!;
}
