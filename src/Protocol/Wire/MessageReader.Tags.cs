namespace Milena.Protocol;

/// <content>
/// Tagged-field sections (KIP-482): a count, then by ascending tag the tag, the size and the payload of each field.
/// </content>
public ref partial struct MessageReader
{
    private const int TagBytesMin = 2;

    /// <summary>The number of tagged fields that follow.</summary>
    public int ReadTagCount()
    {
        var count = ReadUnsignedVarint();
        if ((long)count * TagBytesMin > Remaining)
            throw MalformedMessageException.At(position, $"{count} tagged fields, but {Remaining} bytes are left");
        return (int)count;
    }

    /// <summary>The next tag, which is greater than <paramref name="previous"/> (-1 before the first).</summary>
    public long ReadTag(long previous)
    {
        var tag = ReadUnsignedVarint();
        return tag > previous ? tag : throw MalformedMessageException.At(position, $"tag {tag} after tag {previous}");
    }

    /// <summary>Reads the size of a payload and confines the reader to it; returns what <see cref="LeaveTag"/> needs.</summary>
    public int EnterTag()
    {
        var size = ReadUnsignedVarint();
        if (size > Remaining)
            throw MalformedMessageException.At(position, $"a tagged field of {size} bytes, but {Remaining} are left");
        var outer = end;
        end = position + (int)size;
        return outer;
    }

    /// <summary>Goes to the end of the payload that the reader is confined to.</summary>
    public void SkipTag() => position = end;

    /// <summary>Leaves the payload, all of which must have been read.</summary>
    public void LeaveTag(int outer)
    {
        if (position != end)
            throw MalformedMessageException.At(position, $"{Remaining} bytes left over in a tagged field");
        end = outer;
    }

    /// <summary>A section in which no tag is known.</summary>
    public void SkipTags()
    {
        var tag = -1L;
        for (var tags = ReadTagCount(); tags > 0; tags--)
        {
            tag = ReadTag(tag);
            var outer = EnterTag();
            SkipTag();
            LeaveTag(outer);
        }
    }

    /// <summary>Adds the payload that the reader is confined to to those that are kept.</summary>
    public UnknownTags KeepTag(long tag, UnknownTags? kept)
    {
        kept ??= new();
        kept.Add((uint)tag, Take(Remaining).ToArray());
        return kept;
    }

    /// <summary>A section in which no tag is known, but all are kept; null if it is empty.</summary>
    public UnknownTags? ReadUnknownTags()
    {
        UnknownTags? kept = null;
        var tag = -1L;
        for (var tags = ReadTagCount(); tags > 0; tags--)
        {
            tag = ReadTag(tag);
            var outer = EnterTag();
            kept = KeepTag(tag, kept);
            LeaveTag(outer);
        }
        return kept;
    }
}
