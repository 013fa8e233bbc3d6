namespace Milena.Interop.Harness;

/// <summary>Nothing lost, doubled or reordered within a partition; byte for byte the same.</summary>
internal static class Verify
{
    /// <summary>
    /// What was read of one topic is what was sent to it, in one run of one producer. Offsets of a partition have no gap.
    /// Records with keys: all of a key are in one partition, and each partition holds its keys' records in the order they
    /// were sent. Without keys: each partition holds records in the order they were sent, and together they hold each once.
    /// </summary>
    public static void IsWhatWasSent(IReadOnlyList<Record> sent, IEnumerable<Consumed> read)
    {
        var partitions = read.GroupBy(record => record.Partition).ToDictionary(group => group.Key, group => group.ToArray());
        foreach (var (partition, records) in partitions)
            HasNoGap(partition, records, from: 0);
        var total = partitions.Values.Sum(records => records.Length);
        Assert.True(total == sent.Count, $"{sent.Count} records were sent, {total} were read");

        if (sent[0].Key is not null)
            PartitionsHoldTheirKeys(sent, partitions);
        else
            PartitionsShareTheRecords(sent, partitions);
    }

    /// <summary>The offsets of one partition, in the order they were read, count up from <paramref name="from"/>.</summary>
    public static void HasNoGap(int partition, IReadOnlyList<Consumed> records, long from)
    {
        for (var i = 0; i < records.Count; i++)
        {
            var expected = from + i;
            Assert.True(records[i].Offset == expected, $"partition {partition}: offset {records[i].Offset} came where {expected} was due");
        }
    }

    /// <summary>One consumer's records of a partition came in the order of their offsets, none of them twice.</summary>
    public static void IsInOrder(IEnumerable<Consumed> read)
    {
        foreach (var partition in read.GroupBy(record => record.Partition))
        {
            var last = -1L;
            foreach (var record in partition)
            {
                Assert.True(record.Offset > last, $"partition {partition.Key}: offset {record.Offset} came after {last}");
                last = record.Offset;
            }
        }
    }

    private static void PartitionsHoldTheirKeys(IReadOnlyList<Record> sent, Dictionary<int, Consumed[]> partitions)
    {
        var home = new Dictionary<string, int>();
        foreach (var (partition, records) in partitions)
        {
            foreach (var key in records.Select(record => record.Record.KeyText).Distinct())
                Assert.True(home.TryAdd(key, partition), $"a key is in partition {partition} and in another");
        }
        foreach (var group in sent.GroupBy(record => home.GetValueOrDefault(record.KeyText, -1)))
        {
            Assert.True(group.Key >= 0, $"no partition holds the key of {group.First()}");
            AreTheSame(group.Key, [.. group], partitions[group.Key]);
        }
    }

    private static void AreTheSame(int partition, IReadOnlyList<Record> sent, IReadOnlyList<Consumed> read)
    {
        Assert.True(sent.Count == read.Count, $"partition {partition}: {sent.Count} records were sent, {read.Count} were read");
        for (var i = 0; i < sent.Count; i++)
        {
            Assert.True(sent[i].Equals(read[i].Record), $"partition {partition}, offset {read[i].Offset}: {read[i].Record} instead of {sent[i]}");
        }
    }

    private static void PartitionsShareTheRecords(IReadOnlyList<Record> sent, Dictionary<int, Consumed[]> partitions)
    {
        var left = sent.GroupBy(record => record).ToDictionary(group => group.Key, group => group.Count());
        foreach (var record in partitions.Values.SelectMany(records => records).Select(record => record.Record))
        {
            Assert.True(left.TryGetValue(record, out var count) && count > 0, $"{record} came more often than it was sent");
            left[record] = count - 1;
        }
        foreach (var (partition, records) in partitions)
        {
            var next = 0;
            foreach (var record in records)
            {
                while (next < sent.Count && !sent[next].Equals(record.Record))
                    next++;
                Assert.True(next < sent.Count, $"partition {partition}, offset {record.Offset}: {record.Record} came out of order");
                next++;
            }
        }
    }
}
