namespace Milena.Protocol;

/// <summary>Versions of a message, both ends included.</summary>
public readonly record struct VersionRange(short Min, short Max)
{
    /// <summary>Whether the version lies in the range.</summary>
    public bool Contains(short version) => Min <= version && version <= Max;

    /// <inheritdoc/>
    public override string ToString() => Min == Max ? $"{Min}" : $"{Min}-{Max}";
}
