using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Raft;

/// <summary>The batch with which a leader begins its epoch: who leads, and who voted for it.</summary>
public static class EpochStartBatch
{
    /// <summary>The bytes, valid until the builder is used again.</summary>
    /// <param name="builder">Where the bytes are built.</param>
    /// <param name="change">What <see cref="Output.Append"/> says.</param>
    /// <param name="kraftVersion">At 0 voters have no directories.</param>
    /// <param name="votersToWrite">
    /// At kraft.version 1, as long as neither the log nor a snapshot later than that of formatting has the voters; null otherwise.
    /// </param>
    /// <param name="baseOffset">The end of the log.</param>
    /// <param name="nowMs">The time.</param>
    public static Memory<byte> Write(
        RecordBatchBuilder builder, LeaderChange change, short kraftVersion, VotersRecord? votersToWrite, long baseOffset, long nowMs)
    {
        Invariant.Holds(votersToWrite is null || kraftVersion > 0);
        var message = new LeaderChangeMessage
        {
            Version = kraftVersion == 0 ? (short)0 : (short)1,
            LeaderId = change.LeaderId,
            Voters = Described(change.Voters, kraftVersion),
            GrantingVoters = Described(change.Granting, kraftVersion),
        };
        ControlRecord[] records = [new(ControlRecordType.LeaderChange, ControlRecords.WriteValue(message))];
        if (votersToWrite is not null)
        {
            var version = new KRaftVersionRecord { KRaftVersion = kraftVersion };
            records =
            [
                .. records,
                new(ControlRecordType.KRaftVersion, ControlRecords.WriteValue(version)),
                new(ControlRecordType.KRaftVoters, ControlRecords.WriteValue(votersToWrite)),
            ];
        }

        ControlRecordBatch.WriteKRaft(builder, records, baseOffset, change.Epoch, nowMs);
        return builder.Build();
    }

    private static LeaderChangeMessage.Voter[] Described(ImmutableArray<VoterKey> voters, short kraftVersion) =>
        [.. voters.Select(voter => new LeaderChangeMessage.Voter
        {
            VoterId = voter.Id,
            VoterDirectoryId = kraftVersion == 0 ? Uuid.Zero : voter.DirectoryId,
        })];
}
