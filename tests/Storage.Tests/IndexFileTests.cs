namespace Milena.Storage.Tests;

public class IndexFileTests
{
    [Fact]
    public void Entries_are_found_as_in_a_list_wherever_they_are()
    {
        var random = new Random(3);
        for (var round = 0; round < 30; round++)
        {
            var disk = new MemoryFileSystem();
            disk.CreateDirectory("/p");
            var index = Open(disk);
            index.CreateEmpty();
            var model = new List<OffsetIndexEntry>();
            for (var i = 0; i < round * 40; i++)
            {
                var entry = new OffsetIndexEntry(1000 + (model is [.., var last] ? last.Offset - 1000 + random.Next(1, 5) : 0), i * 10);
                model.Add(entry);
                Append(index, entry);
                if (random.Next(50) == 0)
                    index.Flush();
                if (random.Next(200) == 0)
                {
                    var keep = random.Next(model.Count + 1);
                    model.RemoveRange(keep, model.Count - keep);
                    index.Truncate(keep);
                }

                if (random.Next(100) == 0)
                {
                    index.Flush();
                    index = Open(disk); // as after a restart
                }
            }

            Assert.Equal(model.Count, index.Count);
            var bytes = new byte[OffsetIndexEntry.Size];
            for (var offset = 990L; offset < 1010 + (model.Count * 5); offset++)
            {
                var expected = model.FindLastIndex(entry => entry.Offset <= offset);
                Assert.Equal(expected, index.FindLast(offset - 1000, bytes));
                if (expected >= 0)
                    Assert.Equal(model[expected], OffsetIndexEntry.Read(bytes, 1000));
            }
        }
    }

    [Fact]
    public async Task Readers_beside_the_writer_see_only_whole_entries()
    {
        var disk = new MemoryFileSystem();
        disk.CreateDirectory("/p");
        var index = Open(disk);
        index.CreateEmpty();
        var isDone = false;
        var reader = Task.Run(() =>
        {
            var bytes = new byte[OffsetIndexEntry.Size];
            var random = new Random(1);
            while (!Volatile.Read(ref isDone))
            {
                var target = random.Next(20_000);
                if (index.FindLast(target, bytes) >= 0)
                {
                    var entry = OffsetIndexEntry.Read(bytes, 0);
                    Assert.True(entry.Offset <= target);
                    Assert.Equal(entry.Offset * 7, entry.Position);
                }
            }
        });
        for (var i = 0; i < 20_000; i++)
            Append(index, new(1000 + i, i * 7));
        Volatile.Write(ref isDone, true);
        await reader;
    }

    private static IndexFile Open(MemoryFileSystem disk) =>
        OffsetIndexEntry.Open(new(new PartitionDirectory(disk, "/p", new(100)), 1000, LogFileNames.OffsetIndex));

    private static void Append(IndexFile index, OffsetIndexEntry entry)
    {
        Span<byte> bytes = stackalloc byte[OffsetIndexEntry.Size];
        entry.Write(bytes, 1000);
        index.Append(bytes);
    }
}
