namespace Milena.Metadata.Quotas;

/// <summary>What a quota of users and client ids bounds.</summary>
public enum QuotaKind
{
    /// <summary>Bytes a second of produce requests.</summary>
    Produce,

    /// <summary>Bytes a second of records that are fetched.</summary>
    Fetch,

    /// <summary>Time that is spent on requests, in percent of one thread.</summary>
    Request,

    /// <summary>Partitions a second that are created or deleted (KIP-599).</summary>
    ControllerMutation,
}

/// <summary>The names of quotas and of those whom they are for.</summary>
public static class QuotaNames
{
    /// <summary>The type of entity that is a principal's name.</summary>
    public const string User = "user";

    /// <summary>The type of entity that is what clients call themselves.</summary>
    public const string ClientId = "client-id";

    /// <summary>The type of entity that is a client's address.</summary>
    public const string Ip = "ip";

    /// <summary>New connections a second, of an address.</summary>
    public const string ConnectionCreationRate = "connection_creation_rate";

    /// <summary>The name under which a quota of that kind is set.</summary>
    public static string Of(QuotaKind kind) => kind switch
    {
        QuotaKind.Produce => "producer_byte_rate",
        QuotaKind.Fetch => "consumer_byte_rate",
        QuotaKind.Request => "request_percentage",
        _ => "controller_mutation_rate",
    };
}
