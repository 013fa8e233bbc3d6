using System.Text;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Raft.Tests;

public class QuorumFilesTests
{
    private static readonly VoterKey Self = new(1, new Uuid(7, 7));

    [Fact]
    public void With_configured_voters_the_state_file_names_them()
    {
        var file = QuorumStateFile.Write(new ElectionState(3, LeaderId: 1), [Self, new(2, default)], kraftVersion: 0);
        Assert.Equal(
            """{"clusterId":"","leaderId":1,"leaderEpoch":3,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}""",
            Encoding.UTF8.GetString(file));
        Assert.Equal(new ElectionState(3, LeaderId: 1), QuorumStateFile.Read(file));
    }

    [Fact]
    public void With_voters_in_the_log_the_state_file_remembers_the_directory_voted_for()
    {
        var state = new ElectionState(3, LeaderId: -1, VotedId: 1, Self.DirectoryId);
        var file = QuorumStateFile.Write(state, [Self], kraftVersion: 1);
        Assert.Equal(
            $$"""{"leaderId":-1,"leaderEpoch":3,"votedId":1,"votedDirectoryId":"{{Self.DirectoryId}}","data_version":1}""",
            Encoding.UTF8.GetString(file));
        Assert.Equal(state, QuorumStateFile.Read(file));
    }

    [Fact]
    public void A_state_file_that_is_none_is_malformed() =>
        Assert.Throws<MalformedMessageException>(() => QuorumStateFile.Read("{}"u8.ToArray()));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_leader_begins_its_epoch_with_a_control_batch(short kraftVersion)
    {
        var node = new QuorumNode(new(Self, [Self]));
        var change = node.Start(new ElectionState(4), new LogEnd(20, 4)).Append!;
        using var builder = new RecordBatchBuilder();
        var batch = new RecordBatchView(EpochStartBatch.Write(builder, change, kraftVersion, votersToWrite: null, baseOffset: 20, nowMs: 99).Span);

        Assert.True(batch.IsControl);
        Assert.True(batch.IsValidCrc);
        Assert.Equal((20, 5, 99, 1), (batch.BaseOffset, batch.PartitionLeaderEpoch, batch.MaxTimestamp, batch.RecordCount));
        var message = Assert.IsType<LeaderChangeMessage>(Assert.Single(Controls(batch)));
        Assert.Equal((kraftVersion, 1), (message.Version, message.LeaderId));
        Assert.Equal(kraftVersion == 0 ? Uuid.Zero : Self.DirectoryId, Assert.Single(message.Voters).VoterDirectoryId);
        Assert.Equal(1, Assert.Single(message.GrantingVoters).VoterId);
    }

    [Fact]
    public void The_first_leader_of_a_quorum_that_keeps_its_voters_in_the_log_writes_them()
    {
        var change = new QuorumNode(new(Self, [Self])).Start(persisted: null, new LogEnd(0, 0)).Append!;
        var voters = new VotersRecord { Voters = [new() { VoterId = 1, VoterDirectoryId = Self.DirectoryId }] };
        using var builder = new RecordBatchBuilder();
        var batch = new RecordBatchView(EpochStartBatch.Write(builder, change, kraftVersion: 1, voters, baseOffset: 0, nowMs: 99).Span);

        var records = Controls(batch);
        Assert.Equal(3, records.Count);
        Assert.Equal(1, Assert.IsType<KRaftVersionRecord>(records[1]).KRaftVersion);
        Assert.Equal(Self.DirectoryId, Assert.Single(Assert.IsType<VotersRecord>(records[2]).Voters).VoterDirectoryId);
    }

    [Fact]
    public void What_cannot_start_says_why()
    {
        Assert.Null(new QuorumConfig(Self, [Self]).Refusal);
        Assert.Equal("a quorum of 3 voters is not supported yet: there must be one", new QuorumConfig(Self, [Self, new(2, default), new(3, default)]).Refusal);
        Assert.Equal("a quorum of 0 voters is not supported yet: there must be one", new QuorumConfig(Self, []).Refusal);
        Assert.Equal("node 1 is not the voter of the quorum, which is node 2", new QuorumConfig(Self, [new(2, default)]).Refusal);
    }

    private static List<IControlRecord> Controls(RecordBatchView batch)
    {
        var records = new List<IControlRecord>();
        foreach (var record in batch.ReadRecords(batch.RecordsData))
        {
            var type = ControlRecords.ReadKey(record.Key.Span.ToArray());
            records.Add(ControlRecords.ReadValue(type, record.Value.Span.ToArray())!);
        }

        return records;
    }
}
