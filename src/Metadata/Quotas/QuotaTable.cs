using System.Net;
using Milena.Metadata.Images;

namespace Milena.Metadata.Quotas;

/// <summary>Who shares a limit: everybody of whom these are the same. Empty where it makes no difference.</summary>
public readonly record struct QuotaHolder(string User, string ClientId);

/// <summary>A limit, and those who share it.</summary>
public readonly record struct QuotaLimit(double PerSecond, QuotaHolder Holder);

/// <summary>
/// The client quotas of an image, arranged for the question that each request asks: which limit is for this user and this client
/// id? The most specific one wins, and a user's comes before any of its client ids'. Never changes.
/// </summary>
public sealed class QuotaTable
{
    private readonly Levels?[] kinds = new Levels?[Enum.GetValues<QuotaKind>().Length];
    private readonly Dictionary<IPAddress, double> connectionRates = [];
    private double? connectionRate;

    private QuotaTable()
    {
    }

    /// <summary>No quotas.</summary>
    public static QuotaTable Empty { get; } = new();

    /// <summary>Whether there are limits on new connections.</summary>
    public bool HasConnectionRates => connectionRate is not null || connectionRates.Count > 0;

    /// <summary>The quotas of an image. What is set for entities that are none of ours says nothing.</summary>
    public static QuotaTable From(ClientQuotasImage image)
    {
        var table = new QuotaTable();
        foreach (var (entity, quotas) in image.ByEntity)
        {
            foreach (var kind in Enum.GetValues<QuotaKind>())
            {
                if (quotas.TryGetValue(QuotaNames.Of(kind), out var limit))
                    (table.kinds[(int)kind] ??= new Levels()).Add(entity, limit);
            }

            if (entity.Parts is [(QuotaNames.Ip, var address)] && quotas.TryGetValue(QuotaNames.ConnectionCreationRate, out var rate))
                table.AddConnectionRate(address, rate);
        }

        return table;
    }

    /// <summary>Whether any quota of that kind is set: if not, nobody needs to ask further.</summary>
    public bool Has(QuotaKind kind) => kinds[(int)kind] is not null;

    /// <summary>The limit for a user and a client id ("" for none); false if there is none.</summary>
    public bool TryFind(QuotaKind kind, string user, string clientId, out QuotaLimit limit)
    {
        limit = default;
        return kinds[(int)kind] is { } levels && levels.TryFind(user, clientId, out limit);
    }

    /// <summary>How many connections a second an address may open; null for any number.</summary>
    public double? ConnectionRateOf(IPAddress address) => connectionRates.TryGetValue(address, out var rate) ? rate : connectionRate;

    private void AddConnectionRate(string? address, double rate)
    {
        if (address is null)
            connectionRate = rate;
        else if (IPAddress.TryParse(address, out var parsed))
            connectionRates[parsed] = rate;
    }

    private sealed class Levels
    {
        private readonly Dictionary<(string User, string ClientId), double> usersClients = [];
        private readonly Dictionary<string, double> usersDefaultClient = new(StringComparer.Ordinal);
        private readonly Dictionary<string, double> users = new(StringComparer.Ordinal);
        private readonly Dictionary<string, double> defaultUsersClients = new(StringComparer.Ordinal);
        private readonly Dictionary<string, double> clients = new(StringComparer.Ordinal);
        private double? defaultUsersDefaultClient;
        private double? defaultUser;
        private double? defaultClient;

        public void Add(QuotaEntity entity, double limit)
        {
            switch (entity.Parts)
            {
                // Parts are in the order of their types.
                case [(QuotaNames.ClientId, var client), (QuotaNames.User, var user)]:
                    AddPair(user, client, limit);
                    break;
                case [(QuotaNames.User, var user)]:
                    if (user is null)
                        defaultUser = limit;
                    else
                        users[user] = limit;
                    break;
                case [(QuotaNames.ClientId, var client)]:
                    if (client is null)
                        defaultClient = limit;
                    else
                        clients[client] = limit;
                    break;
            }
        }

        public bool TryFind(string user, string clientId, out QuotaLimit limit)
        {
            var found = true;
            if (usersClients.TryGetValue((user, clientId), out var perSecond) || usersDefaultClient.TryGetValue(user, out perSecond))
                limit = new(perSecond, new(user, clientId));
            else if (users.TryGetValue(user, out perSecond))
                limit = new(perSecond, new(user, ""));
            else if (defaultUsersClients.TryGetValue(clientId, out perSecond) || Has(defaultUsersDefaultClient, out perSecond))
                limit = new(perSecond, new(user, clientId));
            else if (Has(defaultUser, out perSecond))
                limit = new(perSecond, new(user, ""));
            else if (clients.TryGetValue(clientId, out perSecond) || Has(defaultClient, out perSecond))
                limit = new(perSecond, new("", clientId));
            else
                (found, limit) = (false, default);
            return found;
        }

        private void AddPair(string? user, string? client, double limit)
        {
            if (user is null && client is null)
                defaultUsersDefaultClient = limit;
            else if (user is null)
                defaultUsersClients[client!] = limit;
            else if (client is null)
                usersDefaultClient[user] = limit;
            else
                usersClients[(user, client)] = limit;
        }

        private static bool Has(double? limit, out double value)
        {
            value = limit.GetValueOrDefault();
            return limit is not null;
        }
    }
}
