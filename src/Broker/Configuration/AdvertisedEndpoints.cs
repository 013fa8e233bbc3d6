using System.Net;
using Milena.Metadata.Configs;

namespace Milena.Broker.Configuration;

/// <summary>What clients are told of where this broker is, once its ports are known.</summary>
internal static class AdvertisedEndpoints
{
    /// <summary>
    /// The advertised endpoints with real hosts and ports. A listener on every address has no host to tell: a node that was
    /// told nothing at all is on somebody's laptop and says localhost, as the configuration that Apache Kafka ships does; any
    /// other says this machine's name.
    /// </summary>
    public static Endpoint[] Resolve(BrokerConfig config, IReadOnlyDictionary<string, int> boundPorts)
    {
        var wasToldNothing = config.Get("listeners").Origin == ConfigOrigin.Default;
        return
        [
            .. config.Listeners.Advertised.Select(endpoint => endpoint with
            {
                Host = endpoint.Host.Length > 0 ? endpoint.Host : wasToldNothing ? "localhost" : Dns.GetHostName(),
                Port = endpoint.Port > 0 ? endpoint.Port : boundPorts[endpoint.Name],
            }),
        ];
    }
}
