using System.Text;

namespace Milena.Interop.Harness;

/// <summary>What a producer was given. Null and empty are two things, to Kafka and to us.</summary>
public sealed record Record(byte[]? Key, byte[]? Value)
{
    /// <summary>A record of text.</summary>
    public static Record Of(string? key, string? value) =>
        new(key is null ? null : Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    /// <summary>A line as the drivers read and write it: base64, or "-" for null; also an identity that compares bytes.</summary>
    public string Text { get; } = $"{Encode(Key)}\t{Encode(Value)}";

    /// <summary>The key as in <see cref="Text"/>.</summary>
    public string KeyText => Encode(Key);

    /// <inheritdoc/>
    public bool Equals(Record? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => $"{Show(Key)}={Show(Value)}";

    /// <summary>Reads what <see cref="Text"/> writes for one field.</summary>
    public static byte[]? Decode(ReadOnlySpan<char> field) => field is "-" ? null : Convert.FromBase64String(field.ToString());

    private static string Encode(byte[]? field) => field is null ? "-" : Convert.ToBase64String(field);

    private static string Show(byte[]? field) => field is null ? "null" : Encoding.UTF8.GetString(field);
}

/// <summary>What a consumer was given.</summary>
public readonly record struct Consumed(string Topic, int Partition, long Offset, Record Record);
