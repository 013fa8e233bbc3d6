namespace Milena.Network.Tests;

public class FramePoolTests
{
    [Fact]
    public void A_buffer_is_at_most_a_quarter_larger_than_asked_for()
    {
        var pool = new FramePool(keptBytesMax: 1 << 20);
        for (var bytes = 4096; bytes < 17 << 20; bytes += bytes / 97)
        {
            var length = pool.Rent(bytes).Length;
            Assert.InRange(length, bytes, bytes + bytes / 4);
        }
    }

    [Theory]
    [InlineData(2049)]
    [InlineData(4096)]
    [InlineData(5000)]
    [InlineData(131_200)]
    [InlineData(1_048_700)]
    [InlineData(16 << 20)]
    public void What_is_returned_is_rented_again(int bytes)
    {
        var pool = new FramePool(keptBytesMax: 64 << 20);
        var first = pool.Rent(bytes);
        pool.Return(first);
        Assert.Equal(first.Length, pool.KeptBytes);
        Assert.Same(first, pool.Rent(bytes));
        Assert.Equal(0, pool.KeptBytes);
    }

    [Fact]
    public void What_it_keeps_is_bounded()
    {
        var pool = new FramePool(keptBytesMax: 1 << 20);
        foreach (var buffer in Enumerable.Range(0, 100).Select(_ => pool.Rent(100_000)).ToArray())
            pool.Return(buffer);
        Assert.InRange(pool.KeptBytes, 900_000, 1 << 20);
    }

    [Fact]
    public void Trimming_lets_go_of_what_nobody_has_needed_since()
    {
        var pool = new FramePool(keptBytesMax: 64 << 20);
        var rented = Enumerable.Range(0, 10).Select(_ => pool.Rent(100_000)).ToArray();
        foreach (var buffer in rented)
            pool.Return(buffer);
        pool.Trim(); // all ten have been in use
        var two = new[] { pool.Rent(100_000), pool.Rent(100_000) };
        foreach (var buffer in two)
            pool.Return(buffer);
        pool.Trim(); // eight have not
        Assert.Equal(2 * two[0].Length, pool.KeptBytes);
        pool.Trim();
        pool.Trim();
        Assert.Equal(0, pool.KeptBytes);
    }
}
