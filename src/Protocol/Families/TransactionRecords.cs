namespace Milena.Protocol.Messages;

/// <summary>
/// Records of the transaction state topic. A key is its type (int16) and a body in version 0; a value is its version (int16) and a
/// body, and has the type of its key.
/// </summary>
public static partial class TransactionRecords
{
    /// <summary>Decodes a key; null if its type is not known, so that what a newer broker wrote can be passed over.</summary>
    public static ITransactionKey? ReadKey(ReadOnlyMemory<byte> key)
    {
        var reader = new MessageReader(key);
        var record = ReadKeyOfType(reader.ReadInt16(), ref reader, 0);
        if (record is not null)
            reader.ExpectEnd();
        return record;
    }

    /// <summary>Decodes the value of a key of this type; null if the type is not known. A tombstone has no value to decode.</summary>
    public static ITransactionValue? ReadValue(short type, ReadOnlyMemory<byte> value)
    {
        var reader = new MessageReader(value);
        var version = reader.ReadInt16();
        var record = ReadValueOfType(type, ref reader, version);
        if (record is not null)
            reader.ExpectEnd();
        return record;
    }

    /// <summary>A key with its framing.</summary>
    public static byte[] WriteKey(ITransactionKey key) => RecordFraming.ToArray(key.Type, key, 0);

    /// <summary>A value with its framing.</summary>
    public static byte[] WriteValue(ITransactionValue value, short version) => RecordFraming.ToArray(version, value, version);
}
