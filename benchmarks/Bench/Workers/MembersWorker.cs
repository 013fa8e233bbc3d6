using System.Buffers.Binary;
using System.Text;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Workers;

/// <summary>
/// Members of many groups, each with a connection of its own, that have joined and do nothing but send heartbeats; those of KIP-848
/// or classic ones. It is ready once all have been in their groups for a while. Result: heartbeats.
/// </summary>
internal static class MembersWorker
{
    private const int QuietHeartbeats = 3;

    public static void Run(string kind, int port, string topic, int groups, int membersOfEach, int intervalMs, double seconds)
    {
        var connecting = new SemaphoreSlim(100);
        var members = (
            from i in Enumerable.Range(0, groups * membersOfEach)
            let name = $"{kind}-{i % groups}"
            select kind == "classic" ? (Member)new ClassicMember(name, topic) : new ConsumerMember(name, topic)).ToArray();
        var failed = Task.WhenAny(members.Select((member, i) => Task.Run(() => Live(member, i)))).Unwrap();

        while (members.Any(member => member.Quiet < QuietHeartbeats))
            Wait(0.1);
        Worker.Measure(() =>
        {
            var before = members.Sum(member => (double)member.Heartbeats);
            Wait(seconds);
            return [members.Sum(member => (double)member.Heartbeats) - before];
        });

        // The members never end, unless one fails.
        void Wait(double most)
        {
            if (failed.Wait(TimeSpan.FromSeconds(most)))
                throw new InvalidDataException("a member has ended");
        }

        async Task Live(Member member, int index)
        {
            await connecting.WaitAsync();
            var connection = await ClientConnection.ConnectAsync("127.0.0.1", port, new ClientConnectionOptions());
            connecting.Release();
            await Task.Delay(intervalMs * index / members.Length); // as members would be, at all times
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(intervalMs));
            do
                await member.Beat(connection);
            while (await timer.WaitForNextTickAsync());
        }
    }

    private abstract class Member
    {
        public long Heartbeats { get; protected set; }

        /// <summary>Heartbeats in a row that changed nothing.</summary>
        public int Quiet { get; protected set; }

        /// <summary>Sends a heartbeat, and does first or afterwards what is to be done to be in the group.</summary>
        public abstract Task Beat(ClientConnection connection);

        protected static async Task<TResponse> Ask<TRequest, TResponse>(ClientConnection connection, TRequest request, short version)
            where TRequest : IRequest<TRequest>
            where TResponse : IResponse<TResponse>
        {
            using var response = await connection.SendAsync(Frames.Request(request, version, connection.NextCorrelationId(), "bench"));
            return Frames.ReadResponse<TResponse>(response.Bytes.ToArray(), version, out _);
        }

        protected static InvalidDataException Refused(ErrorCode error) => new($"the broker answered {error}");
    }

    private sealed class ClassicMember(string group, string topic) : Member
    {
        private string id = "";
        private int? generation;

        public override async Task Beat(ClientConnection connection)
        {
            if (generation is null)
                await Join(connection);
            var answer = await Ask<HeartbeatRequest, HeartbeatResponse>(
                connection, new() { GroupId = group, GenerationId = generation ?? -1, MemberId = id }, version: 4);
            Heartbeats++;
            Quiet = answer.ErrorCode == ErrorCode.None ? Quiet + 1 : 0;
            if (answer.ErrorCode is ErrorCode.RebalanceInProgress or ErrorCode.IllegalGeneration)
                generation = null;
            else if (answer.ErrorCode != ErrorCode.None)
                throw Refused(answer.ErrorCode);
        }

        private async Task Join(ClientConnection connection)
        {
            while (generation is null)
            {
                var joined = await Ask<JoinGroupRequest, JoinGroupResponse>(
                    connection,
                    new()
                    {
                        GroupId = group,
                        SessionTimeoutMs = 45_000,
                        RebalanceTimeoutMs = 300_000,
                        MemberId = id,
                        ProtocolType = "consumer",
                        Protocols = [new() { Name = "range", Metadata = Subscription() }],
                    },
                    version: 9);
                id = joined.MemberId;
                if (joined.ErrorCode == ErrorCode.MemberIdRequired)
                    continue;
                if (joined.ErrorCode != ErrorCode.None)
                    throw Refused(joined.ErrorCode);
                var synced = await Ask<SyncGroupRequest, SyncGroupResponse>(
                    connection,
                    new()
                    {
                        GroupId = group,
                        GenerationId = joined.GenerationId,
                        MemberId = id,
                        ProtocolType = "consumer",
                        ProtocolName = "range",
                        Assignments = [.. joined.Members.Select(member =>
                            new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = member.MemberId, Assignment = new byte[64] })],
                    },
                    version: 5);
                if (synced.ErrorCode == ErrorCode.None)
                    generation = joined.GenerationId;
                else if (synced.ErrorCode != ErrorCode.RebalanceInProgress)
                    throw Refused(synced.ErrorCode);
            }
        }

        // Version 0 of a consumer's subscription: one topic, and no data of its own.
        private byte[] Subscription()
        {
            var name = Encoding.UTF8.GetBytes(topic);
            var bytes = new byte[2 + 4 + 2 + name.Length + 4];
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2), 1);
            BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(6), (short)name.Length);
            name.CopyTo(bytes, 8);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8 + name.Length), -1);
            return bytes;
        }
    }

    private sealed class ConsumerMember(string group, string topic) : Member
    {
        private readonly string id = Guid.NewGuid().ToString();
        private ConsumerGroupHeartbeatRequest.TopicPartitionsData[]? owned = []; // null: as told before
        private int epoch;

        public override async Task Beat(ClientConnection connection)
        {
            var request = new ConsumerGroupHeartbeatRequest { GroupId = group, MemberId = id, MemberEpoch = epoch, TopicPartitions = owned };
            if (epoch == 0)
                (request.RebalanceTimeoutMs, request.SubscribedTopicNames) = (300_000, [topic]);
            var answer = await Ask<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>(connection, request, version: 1);
            if (answer.ErrorCode != ErrorCode.None)
                throw Refused(answer.ErrorCode);
            Heartbeats++;
            Quiet = answer.MemberEpoch == epoch && answer.Assignment is null ? Quiet + 1 : 0;
            epoch = answer.MemberEpoch;
            owned = answer.Assignment is { } assignment
                ? [.. assignment.TopicPartitions.Select(part => new ConsumerGroupHeartbeatRequest.TopicPartitionsData { TopicId = part.TopicId, Partitions = part.Partitions })]
                : null;
        }
    }
}
