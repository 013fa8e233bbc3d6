namespace Milena.Storage.Tests;

public class LeaderEpochsTests
{
    private readonly LeaderEpochs epochs = new([new(1, 10), new(2, 20), new(5, 50)], () => 100);

    [Theory]
    [InlineData(5, 5, 100)] // the latest ends where the log does
    [InlineData(6, -1, -1)] // from the future
    [InlineData(4, 2, 50)] // none of its own: the one before, which ends where the next begins
    [InlineData(2, 2, 50)]
    [InlineData(1, 1, 20)]
    [InlineData(0, 0, 10)] // before all that is known
    [InlineData(-1, -1, -1)]
    public void Ends_of_epochs(int epoch, int known, long end) => Assert.Equal(new EpochEnd(known, end), epochs.EndOf(epoch));

    [Theory]
    [InlineData(9, -1)]
    [InlineData(10, 1)]
    [InlineData(49, 2)]
    [InlineData(1000, 5)]
    public void Epochs_of_offsets(long offset, int epoch) => Assert.Equal(epoch, epochs.EpochAt(offset));

    [Fact]
    public void Without_epochs_nothing_is_known() =>
        Assert.Equal(EpochEnd.Unknown, new LeaderEpochs([], () => 5).EndOf(0));

    [Fact]
    public void An_epoch_forgets_what_contradicts_it()
    {
        epochs.Assign(5, 70); // known
        epochs.Assign(4, 70); // older
        Assert.Equal(3, epochs.All.Count);
        epochs.Assign(7, 20); // begins where epoch 2 did, so neither that nor 5 ever had a record
        Assert.Equal([new(1, 10), new(7, 20)], epochs.All);
    }

    [Fact]
    public void Truncation_takes_epochs_from_either_end()
    {
        epochs.TruncateFromEnd(50);
        Assert.Equal([new(1, 10), new(2, 20)], epochs.All);
        epochs.TruncateFromStart(25);
        Assert.Equal([new(2, 25)], epochs.All);
        epochs.TruncateFromStart(1000);
        Assert.Equal([new(2, 1000)], epochs.All);
        epochs.TruncateFromEnd(0);
        Assert.Empty(epochs.All);
        Assert.Equal(-1, epochs.Latest);
    }

    [Fact]
    public void What_the_file_must_say_is_told_once()
    {
        Assert.Null(epochs.TakeDirty());
        epochs.Assign(8, 90);
        Assert.Equal(4, epochs.TakeDirty()!.Length);
        Assert.Null(epochs.TakeDirty());
    }

    [Fact]
    public void An_epoch_without_a_record_is_not_worth_a_write()
    {
        epochs.Assign(8, 100);
        Assert.False(epochs.IsDirty);
        Assert.Null(epochs.TakeDirty());
        Assert.Equal(8, epochs.Latest);
    }

    [Fact]
    public void What_recovery_found_is_written()
    {
        var found = new LeaderEpochs([new(1, 10), new(2, 20)], () => 30, inFile: [new(1, 10)]);
        Assert.True(found.IsDirty);
        Assert.Equal([new(1, 10), new(2, 20)], found.TakeDirty()!);
        Assert.False(found.IsDirty);
    }
}
