using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Milena.Storage;

/// <summary>
/// What stands for a key in an <see cref="OffsetMap"/>: SipHash-2-4 of 128 bits with a secret key. Two keys with the same hash would cost
/// one of them its last record. By chance that is as likely as with any 128 bits: among a thousand million keys, below 10^-20. On
/// purpose it cannot be made without the secret, which matters where one partition keeps the keys of several owners, as
/// <c>__consumer_offsets</c> does; Kafka's MD5 has no secret, and costs several times as much.
/// </summary>
internal readonly struct KeyHash(ulong secret0, ulong secret1)
{
    /// <summary>One with a secret of its own, which nobody is told.</summary>
    public static KeyHash Secret()
    {
        // A random Guid comes from the system's secure source; the Random that is handed to the logs also makes ids that are public.
        Span<Guid> random = [Guid.NewGuid(), Guid.NewGuid()];
        var words = MemoryMarshal.Cast<Guid, ulong>(random);
        return new(words[0] ^ BitOperations.RotateLeft(words[2], 29), words[1] ^ BitOperations.RotateLeft(words[3], 31));
    }

    /// <summary>The hash, in two halves.</summary>
    public (ulong First, ulong Second) Compute(ReadOnlySpan<byte> key)
    {
        var state = new State(secret0, secret1);
        var rest = key;
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
            state.Add(BinaryPrimitives.ReadUInt64LittleEndian(rest));
        var last = (ulong)key.Length << 56;
        for (var i = 0; i < rest.Length; i++)
            last |= (ulong)rest[i] << (8 * i);
        state.Add(last);
        return (state.Finish(0, 0xee), state.Finish(0xdd, 0));
    }

    private struct State
    {
        private ulong v0;
        private ulong v1;
        private ulong v2;
        private ulong v3;

        public State(ulong secret0, ulong secret1)
        {
            v0 = secret0 ^ 0x736f6d6570736575;
            v1 = secret1 ^ 0x646f72616e646f6d ^ 0xee; // the last is the variant of 128 bits
            v2 = secret0 ^ 0x6c7967656e657261;
            v3 = secret1 ^ 0x7465646279746573;
        }

        public void Add(ulong word)
        {
            v3 ^= word;
            Round();
            Round();
            v0 ^= word;
        }

        public ulong Finish(ulong into1, ulong into2)
        {
            v1 ^= into1;
            v2 ^= into2;
            Round();
            Round();
            Round();
            Round();
            return v0 ^ v1 ^ v2 ^ v3;
        }

        private void Round()
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
