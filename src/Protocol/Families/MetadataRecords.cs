namespace Milena.Protocol.Messages;

/// <summary>
/// Records of the cluster metadata log. The value of one is a frame version (1), its type and its version, each an
/// unsigned varint, and the body.
/// </summary>
public static partial class MetadataRecords
{
    /// <summary>Decodes a record; a type or version that is not known makes it malformed, since no state can be right without it.</summary>
    public static IMetadataRecord Read(ReadOnlyMemory<byte> value)
    {
        var reader = new MessageReader(value);
        var (type, version) = RecordFraming.Read(ref reader);
        var record = ReadBodyOfType(type, ref reader, version)
            ?? throw new MalformedMessageException($"a metadata record of the unknown type {type}");
        reader.ExpectEnd();
        return record;
    }

    /// <summary>Appends a record with its framing.</summary>
    public static void Write(MessageWriter writer, IMetadataRecord record, short version) => RecordFraming.Write(writer, record, version);

    /// <summary>A record with its framing.</summary>
    public static byte[] Write(IMetadataRecord record, short version) => RecordFraming.ToArray(record, version);
}
