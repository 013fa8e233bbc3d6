using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>Access control entries, as their records say them.</summary>
public sealed record AclsImage
{
    /// <summary>No entries.</summary>
    public static AclsImage Empty { get; } = new();

    /// <summary>Entries by id. They are shared: do not change them.</summary>
    public ImmutableDictionary<Uuid, AccessControlEntryRecord> ById { get; init; } = ImmutableDictionary<Uuid, AccessControlEntryRecord>.Empty;
}

/// <summary>A user's credential for one SCRAM mechanism.</summary>
public readonly record struct ScramKey(sbyte Mechanism, string User) : IComparable<ScramKey>
{
    /// <inheritdoc/>
    public int CompareTo(ScramKey other) =>
        Mechanism != other.Mechanism ? Mechanism.CompareTo(other.Mechanism) : string.CompareOrdinal(User, other.User);
}

/// <summary>SCRAM credentials, as their records say them.</summary>
public sealed record ScramImage
{
    /// <summary>No credentials.</summary>
    public static ScramImage Empty { get; } = new();

    /// <summary>Credentials by mechanism and user. They are shared: do not change them.</summary>
    public ImmutableSortedDictionary<ScramKey, UserScramCredentialRecord> Credentials { get; init; } =
        ImmutableSortedDictionary<ScramKey, UserScramCredentialRecord>.Empty;
}

/// <summary>Delegation tokens, as their records say them.</summary>
public sealed record DelegationTokensImage
{
    /// <summary>No tokens.</summary>
    public static DelegationTokensImage Empty { get; } = new();

    /// <summary>Tokens by id. They are shared: do not change them.</summary>
    public ImmutableSortedDictionary<string, DelegationTokenRecord> ById { get; init; } =
        ImmutableSortedDictionary<string, DelegationTokenRecord>.Empty.WithComparers(StringComparer.Ordinal);
}
