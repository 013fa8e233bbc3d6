namespace Milena.Protocol;

/// <summary>
/// Tagged fields of a record that a later release wrote and this one does not know. They are kept, as copies, and written
/// back behind the known ones, so that rewriting a record loses nothing. Requests and responses skip such fields instead.
/// </summary>
public sealed class UnknownTags
{
    private readonly List<(uint Tag, byte[] Payload)> fields = [];

    /// <summary>The number of fields.</summary>
    public uint Count => (uint)fields.Count;

    internal void Add(uint tag, byte[] payload) => fields.Add((tag, payload));

    internal void Write(MessageWriter writer)
    {
        foreach (var (tag, payload) in fields)
        {
            writer.WriteTag(tag, (uint)payload.Length);
            writer.WriteRaw(payload);
        }
    }
}
