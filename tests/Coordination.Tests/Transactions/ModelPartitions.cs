using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>
/// The leaders of the partitions that transactions write to, as simple as can be: what each knows of a producer is its epoch, and
/// which records have no outcome yet.
/// </summary>
internal sealed class ModelPartitions
{
    private readonly Dictionary<(TopicPartition, long), short> epochs = [];

    /// <summary>Every record that was taken, and what became of it: null while that is open.</summary>
    public List<ModelRecord> Records { get; } = [];

    public ErrorCode Append(TopicPartition partition, long producerId, short epoch, string text)
    {
        if (epochs.TryGetValue((partition, producerId), out var known) && epoch < known)
            return ErrorCode.InvalidProducerEpoch;
        epochs[(partition, producerId)] = epoch;
        Records.Add(new ModelRecord(partition, producerId, text));
        return ErrorCode.None;
    }

    /// <summary>A marker ends what the producer has open in the partition. The leader refuses none that comes from the coordinator.</summary>
    public void Mark(TopicPartition partition, long producerId, short epoch, bool commit, short version)
    {
        var open = Records.Where(record => record.Partition == partition && record.ProducerId == producerId && record.Outcome is null).ToArray();
        if (epochs.TryGetValue((partition, producerId), out var known))
        {
            if (version >= Transaction.EpochBumpVersion)
                Assert.True(epoch > known || (epoch == known && open.Length == 0), $"a marker of epoch {epoch} on {known}, open: {open.Length}");
            else
                Assert.True(epoch >= known, $"a marker of epoch {epoch} on {known}");
        }
        epochs[(partition, producerId)] = epoch;
        foreach (var record in open)
            record.Outcome = commit;
    }
}

/// <summary>A record in a partition.</summary>
internal sealed record ModelRecord(TopicPartition Partition, long ProducerId, string Text)
{
    public bool? Outcome { get; set; }
}
