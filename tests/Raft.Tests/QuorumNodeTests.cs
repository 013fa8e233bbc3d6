using FsCheck.Xunit;
using Milena.Common;

namespace Milena.Raft.Tests;

public class QuorumNodeTests
{
    private static readonly VoterKey Self = new(1, new Uuid(7, 7));

    [Fact]
    public void A_lone_voter_leads_the_epoch_after_the_one_it_remembers()
    {
        var node = new QuorumNode(new(Self, [Self]));
        var output = node.Start(new ElectionState(4, LeaderId: 1), new LogEnd(10, 4));

        Assert.Equal(QuorumRole.Leader, node.Role);
        Assert.Equal(new ElectionState(5, LeaderId: 1), output.Persist);
        Assert.Equal(5, output.Append!.Epoch);
        Assert.Equal([Self], output.Append.Granting);
        Assert.Null(output.HighWatermark);
    }

    [Fact]
    public void A_log_that_knows_a_later_epoch_than_the_state_file_is_believed()
    {
        var node = new QuorumNode(new(Self, [Self]));
        node.Start(persisted: null, new LogEnd(10, 9));
        Assert.Equal(10, node.Epoch);
    }

    [Fact]
    public void Nothing_is_committed_before_the_leaders_own_first_record_is_on_disk()
    {
        var node = new QuorumNode(new(Self, [Self]));
        node.Start(persisted: null, new LogEnd(10, 0));
        node.Appended(11);

        Assert.Null(node.Flushed(10).HighWatermark);
        Assert.Equal(11, node.Flushed(11).HighWatermark);
    }

    [Fact]
    public void A_leader_that_resigned_commits_nothing()
    {
        var node = new QuorumNode(new(Self, [Self]));
        node.Start(persisted: null, new LogEnd(0, 0));
        node.Appended(5);
        node.Resign();

        Assert.Equal(QuorumRole.Resigned, node.Role);
        Assert.Null(node.Flushed(5).HighWatermark);
    }

    [Fact]
    public void Several_voters_are_refused_rather_than_led_by_one()
    {
        var node = new QuorumNode(new(Self, [Self, new(2, default)]));
        Assert.Throws<InvariantViolation>(() => node.Start(persisted: null, new LogEnd(0, 0)));
    }

    [Property]
    public void The_high_watermark_never_goes_back_and_never_passes_what_is_flushed(byte[] steps)
    {
        var node = new QuorumNode(new(Self, [Self]));
        node.Start(persisted: null, new LogEnd(3, 1));
        var (end, flushedTo, before) = (3L, 0L, node.HighWatermark);
        foreach (var step in steps)
        {
            if (step % 2 == 0)
            {
                end += step % 5;
                node.Appended(end);
            }
            else
            {
                flushedTo = Math.Min(end, flushedTo + step % 7);
                node.Flushed(flushedTo);
            }

            Assert.True(node.HighWatermark >= before);
            Assert.True(node.HighWatermark <= flushedTo);
            before = node.HighWatermark;
        }
    }
}
