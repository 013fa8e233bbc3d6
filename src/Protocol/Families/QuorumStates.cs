using System.Buffers;
using System.Text.Json;
using Milena.Common;

namespace Milena.Protocol.Messages;

/// <summary>
/// The content of the quorum state file: one JSON object with the fields of <see cref="QuorumStateData"/> in lower camel
/// case, and <c>data_version</c>. Version 0 lists the voters; in version 1 (KIP-853) the log has them.
/// </summary>
public static class QuorumStates
{
    private const string VersionField = "data_version";

    /// <summary>Decodes a file and says its version. What is not JSON of this shape is malformed; fields not known are ignored.</summary>
    public static QuorumStateData Read(ReadOnlyMemory<byte> file, out short version)
    {
        try
        {
            using var document = JsonDocument.Parse(file);
            var json = document.RootElement;
            version = json.GetProperty(VersionField).GetInt16();
            if (!QuorumStateData.Versions.Contains(version))
                throw MalformedMessageException.NoSuchVersion(nameof(QuorumStateData), version);
            return version == 0 ? ReadVersion0(json) : ReadVersion1(json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new MalformedMessageException("not a quorum state: " + error.Message, error);
        }
    }

    /// <summary>Encodes a file in a version.</summary>
    public static byte[] Write(QuorumStateData state, short version)
    {
        Invariant.Holds(QuorumStateData.Versions.Contains(version));
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (version == 0)
                WriteVersion0(json, state);
            else
                WriteVersion1(json, state);
            json.WriteNumber(VersionField, version);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static QuorumStateData ReadVersion0(JsonElement json) => new()
    {
        ClusterId = json.GetProperty("clusterId").GetString() ?? "",
        LeaderId = json.GetProperty("leaderId").GetInt32(),
        LeaderEpoch = json.GetProperty("leaderEpoch").GetInt32(),
        VotedId = json.GetProperty("votedId").GetInt32(),
        AppliedOffset = json.GetProperty("appliedOffset").GetInt64(),
        CurrentVoters = ReadVoters(json.GetProperty("currentVoters")),
    };

    private static QuorumStateData ReadVersion1(JsonElement json) => new()
    {
        LeaderId = json.GetProperty("leaderId").GetInt32(),
        LeaderEpoch = json.GetProperty("leaderEpoch").GetInt32(),
        VotedId = json.GetProperty("votedId").GetInt32(),
        VotedDirectoryId = Uuid.TryParse(json.GetProperty("votedDirectoryId").GetString(), out var id)
            ? id
            : throw new MalformedMessageException("not a quorum state: votedDirectoryId is not an id"),
    };

    private static QuorumStateData.Voter[]? ReadVoters(JsonElement json) => json.ValueKind == JsonValueKind.Null
        ? null
        : [.. json.EnumerateArray().Select(voter => new QuorumStateData.Voter { VoterId = voter.GetProperty("voterId").GetInt32() })];

    private static void WriteVersion0(Utf8JsonWriter json, QuorumStateData state)
    {
        json.WriteString("clusterId", state.ClusterId);
        WriteElection(json, state);
        json.WriteNumber("appliedOffset", state.AppliedOffset);
        if (state.CurrentVoters is null)
        {
            json.WriteNull("currentVoters");
            return;
        }
        json.WriteStartArray("currentVoters");
        foreach (var voter in state.CurrentVoters)
        {
            json.WriteStartObject();
            json.WriteNumber("voterId", voter.VoterId);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteVersion1(Utf8JsonWriter json, QuorumStateData state)
    {
        WriteElection(json, state);
        json.WriteString("votedDirectoryId", state.VotedDirectoryId.ToString());
    }

    private static void WriteElection(Utf8JsonWriter json, QuorumStateData state)
    {
        json.WriteNumber("leaderId", state.LeaderId);
        json.WriteNumber("leaderEpoch", state.LeaderEpoch);
        json.WriteNumber("votedId", state.VotedId);
    }
}
