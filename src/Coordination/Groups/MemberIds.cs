using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>Names new members, as Kafka does: who they are, and a random UUID (version 4).</summary>
internal sealed class MemberIds(Random random)
{
    private const int UuidBytes = 16;
    private readonly Lock gate = new();

    /// <param name="prefix">The client id; for a static member, its instance id.</param>
    public string Next(string prefix)
    {
        Span<byte> bytes = stackalloc byte[UuidBytes];
        lock (gate)
            random.NextBytes(bytes);
        bytes[6] = (byte)(bytes[6] & 0x0f | 0x40);
        bytes[8] = (byte)(bytes[8] & 0x3f | 0x80);
        return $"{prefix}-{new Guid(bytes, bigEndian: true)}";
    }

    /// <summary>The whole name of a member that has none and whose client does not expect more (ConsumerGroupHeartbeat v0).</summary>
    public Uuid NextUuid()
    {
        lock (gate)
            return Uuid.Next(random);
    }
}
