namespace Milena.Storage.Tests.Compaction;

/// <summary>The first of the vectors that the authors of SipHash give for its variant of 128 bits.</summary>
public class KeyHashTests
{
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(2, "8177228da4a45dc7fca38bdef60affe4")]
    [InlineData(3, "9c70b60c5267a94e5f33b6b02985ed51")]
    public void Known_keys_have_known_hashes(int length, string expected)
    {
        var hash = new KeyHash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
        var key = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        var (first, second) = hash.Compute(key);
        Assert.Equal(expected, Convert.ToHexStringLower([.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second)]));
    }

    [Fact]
    public void Every_byte_of_a_key_counts_and_so_does_the_secret()
    {
        var seen = new HashSet<(ulong, ulong)>();
        for (var length = 0; length < 40; length++)
        {
            var key = new byte[length];
            Assert.True(seen.Add(new KeyHash(1, 2).Compute(key)));
            for (var i = 0; i < length; i++)
            {
                key[i] = 1;
                Assert.True(seen.Add(new KeyHash(1, 2).Compute(key)));
                key[i] = 0;
            }
        }

        Assert.NotEqual(KeyHash.Secret().Compute("key"u8), KeyHash.Secret().Compute("key"u8));
    }
}
