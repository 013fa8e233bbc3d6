namespace Milena.Protocol.Messages;

/// <summary>
/// Data that carries its version as an int16 before the body: what consumers say to each other in JoinGroup and SyncGroup,
/// the principal in an Envelope.
/// </summary>
public static class VersionedData
{
    /// <summary>
    /// Decodes data. A version above the highest known one is read as that, and bytes that follow are ignored: versions of
    /// such data only append fields, since a group's members are upgraded one by one.
    /// </summary>
    public static T Read<T>(ReadOnlyMemory<byte> bytes)
        where T : IMessage<T>
    {
        var reader = new MessageReader(bytes);
        var version = reader.ReadInt16();
        return T.Read(ref reader, Math.Min(version, T.Versions.Max));
    }

    /// <summary>Encodes data in a version.</summary>
    public static byte[] Write<T>(T data, short version)
        where T : IMessage<T> =>
        RecordFraming.ToArray(version, data, version);
}
