namespace Milena.Protocol.Messages;

/// <summary>What stands before the body of a record: its type and version in one of three forms.</summary>
internal static class RecordFraming
{
    private const uint FrameVersion = 1;

    /// <summary>Frame version, type and version as unsigned varints.</summary>
    public static (short Type, short Version) Read(ref MessageReader reader)
    {
        var frameVersion = reader.ReadUnsignedVarint();
        if (frameVersion != FrameVersion)
            throw new MalformedMessageException($"a record in the unknown frame version {frameVersion}");
        return (ReadShort(ref reader), ReadShort(ref reader));
    }

    /// <summary>Writes what <see cref="Read"/> reads, and the body.</summary>
    public static void Write(MessageWriter writer, IRecord record, short version)
    {
        writer.WriteUnsignedVarint(FrameVersion);
        writer.WriteUnsignedVarint((uint)record.Type);
        writer.WriteUnsignedVarint((uint)version);
        record.Write(writer, version);
    }

    /// <summary>The same as an array.</summary>
    public static byte[] ToArray(IRecord record, short version)
    {
        using var writer = new MessageWriter();
        Write(writer, record, version);
        return writer.ToArray();
    }

    /// <summary>An int16 (the type of a key, the version of a value) and the body.</summary>
    public static byte[] ToArray(short prefix, IMessage body, short version)
    {
        using var writer = new MessageWriter();
        writer.WriteInt16(prefix);
        body.Write(writer, version);
        return writer.ToArray();
    }

    private static short ReadShort(ref MessageReader reader)
    {
        var value = reader.ReadUnsignedVarint();
        return value <= (uint)short.MaxValue ? (short)value : throw new MalformedMessageException($"a record of type or version {value}");
    }
}
