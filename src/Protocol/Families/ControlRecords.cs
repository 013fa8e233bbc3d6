namespace Milena.Protocol.Messages;

/// <summary>The types of control records, as their keys name them.</summary>
public enum ControlRecordType : short
{
    /// <summary>A type from the future: readers pass over it.</summary>
    Unknown = -1,

    /// <summary>The transaction is aborted.</summary>
    Abort = 0,

    /// <summary>The transaction is committed.</summary>
    Commit = 1,

    /// <summary>A quorum has a new leader.</summary>
    LeaderChange = 2,

    /// <summary>A snapshot begins.</summary>
    SnapshotHeader = 3,

    /// <summary>A snapshot is complete.</summary>
    SnapshotFooter = 4,

    /// <summary>The quorum's feature level.</summary>
    KRaftVersion = 5,

    /// <summary>The quorum's voters.</summary>
    KRaftVoters = 6,
}

/// <summary>
/// Records of control batches. The key is its version (int16, 0) and the type (int16). The value of an end of a transaction
/// is a version (int16, 0) and the body; values of KRaft are a body whose first field is the version.
/// </summary>
public static partial class ControlRecords
{
    private const short KeyVersion = 0;

    /// <summary>The type that a key names, which need not be a known one: readers pass over those they do not know.</summary>
    /// <remarks>A key of a later version may be longer; its first four bytes stay.</remarks>
    public static ControlRecordType ReadKey(ReadOnlyMemory<byte> key)
    {
        var reader = new MessageReader(key);
        var version = reader.ReadInt16();
        return version >= KeyVersion
            ? (ControlRecordType)reader.ReadInt16()
            : throw new MalformedMessageException($"a control record with a key of version {version}");
    }

    /// <summary>Decodes the value of a key of this type; null if the type is not known.</summary>
    public static IControlRecord? ReadValue(ControlRecordType type, ReadOnlyMemory<byte> value)
    {
        var reader = new MessageReader(value);
        var version = new MessageReader(value).ReadInt16();
        if (type is ControlRecordType.Abort or ControlRecordType.Commit)
            reader.ReadInt16();
        var record = ReadBodyOfType((short)type, ref reader, version);
        if (record is EndTxnMarker marker)
            marker.Type = (short)type;
        if (record is not null)
            reader.ExpectEnd();
        return record;
    }

    /// <summary>The key of a type.</summary>
    public static byte[] WriteKey(ControlRecordType type)
    {
        using var writer = new MessageWriter();
        writer.WriteInt16(KeyVersion);
        writer.WriteInt16((short)type);
        return writer.ToArray();
    }

    /// <summary>A value in the version that it names itself; the end of a transaction has only version 0.</summary>
    public static byte[] WriteValue(IControlRecord record)
    {
        using var writer = new MessageWriter();
        if (record is EndTxnMarker)
            writer.WriteInt16(0);
        record.Write(writer, VersionOf(record));
        return writer.ToArray();
    }

    private static short VersionOf(IControlRecord record) => record switch
    {
        LeaderChangeMessage message => message.Version,
        SnapshotHeaderRecord header => header.Version,
        SnapshotFooterRecord footer => footer.Version,
        KRaftVersionRecord version => version.Version,
        VotersRecord voters => voters.Version,
        _ => 0,
    };
}
