namespace Milena.Storage.Tests.Compaction;

public class OffsetMapTests
{
    [Theory]
    [InlineData(1 << 20)]
    [InlineData(2000 * OffsetMap.EntryBytes)]
    [InlineData(2 * OffsetMap.EntryBytes)]
    public void It_says_what_a_dictionary_says_and_when_it_is_full(int bytes)
    {
        var random = new Random(bytes);
        var map = new OffsetMap(bytes, 0.9, new(1, 2));
        foreach (var records in (int[])[10, 20_000, 300])
        {
            map.Begin(fromOffset: 5, records);
            Assert.Equal((0, 4), (map.Count, map.LatestOffset));
            var twin = new Dictionary<int, long>();
            var key = new byte[sizeof(int)];
            var keysMax = int.MaxValue;
            for (var offset = 5; offset < records; offset++)
            {
                var number = random.Next(6000);
                BitConverter.TryWriteBytes(key, number);
                if (map.TryPut(key, offset))
                {
                    twin[number] = offset;
                    Assert.True(twin.Count <= keysMax);
                    continue;
                }

                Assert.False(twin.ContainsKey(number), "a key that is there always has room");
                keysMax = twin.Count;
            }

            Assert.Equal(twin.Count, map.Count);
            Assert.InRange(map.Count, 1, Math.Max(1, (int)(bytes / OffsetMap.EntryBytes * 0.9)));
            for (var number = 0; number < 6000; number++)
            {
                BitConverter.TryWriteBytes(key, number);
                Assert.Equal(twin.GetValueOrDefault(number, -1), map.Find(key));
            }
        }
    }

    [Fact]
    public void An_earlier_offset_does_not_replace_a_later_one()
    {
        var map = new OffsetMap(1000, 0.9, new(1, 2));
        map.Begin(0, 10);
        Assert.True(map.TryPut("k"u8, 7));
        Assert.True(map.TryPut("k"u8, 3));
        Assert.Equal(7, map.Find("k"u8));
        Assert.Equal(-1, map.Find("l"u8));
    }
}
