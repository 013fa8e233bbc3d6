namespace Milena.Protocol.Messages;

/// <summary>Records of the remote log metadata topic (KIP-405), framed as those of the cluster metadata.</summary>
public static partial class RemoteLogRecords
{
    /// <summary>Decodes a record; a type or version that is not known makes it malformed.</summary>
    public static IRemoteLogRecord Read(ReadOnlyMemory<byte> value)
    {
        var reader = new MessageReader(value);
        var (type, version) = RecordFraming.Read(ref reader);
        var record = ReadBodyOfType(type, ref reader, version)
            ?? throw new MalformedMessageException($"a remote log record of the unknown type {type}");
        reader.ExpectEnd();
        return record;
    }

    /// <summary>A record with its framing.</summary>
    public static byte[] Write(IRemoteLogRecord record, short version) => RecordFraming.ToArray(record, version);
}
