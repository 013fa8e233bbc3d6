namespace Milena.Common.Tests;

public class UuidTests
{
    [Fact]
    public void Text_is_base64url_without_padding()
    {
        var id = Uuid.Read([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        Assert.Equal("AQIDBAUGBwgJCgsMDQ4PEA", id.ToString());
        Assert.True(Uuid.TryParse("AQIDBAUGBwgJCgsMDQ4PEA", out var read));
        Assert.Equal(id, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("AQIDBAUGBwgJCgsMDQ4P")]
    [InlineData("AQIDBAUGBwgJCgsMDQ4PEA==extra")]
    [InlineData("not a uuid, and too long for one")]
    public void What_is_no_id_is_refused(string text) => Assert.False(Uuid.TryParse(text, out _));

    [Fact]
    public void Random_ids_never_look_like_a_flag()
    {
        var random = new Random(7);
        for (var i = 0; i < 1000; i++)
            Assert.NotEqual('-', Uuid.Next(random).ToString()[0]);
    }
}
