namespace Milena.ProtocolGenerator;

/// <summary>One <c>.kmsg</c> file.</summary>
internal sealed record SchemaFile(string Name, Api? Api, IReadOnlyList<Head> Heads);

/// <summary>The line that opens the file of an API.</summary>
internal sealed record Api(short Key, string Name, IReadOnlySet<string> ServedBy);

/// <summary>What a head declares.</summary>
internal enum HeadKind
{
    Request,
    Response,
    Header,
    Data,
    Record,
}

/// <summary>A message: a head line and its body.</summary>
internal sealed class Head
{
    public required HeadKind Kind { get; init; }

    public required string Name { get; init; }

    /// <summary>The family of a record, for example <c>group-key</c>.</summary>
    public string? Family { get; init; }

    /// <summary>The type numbers of a record; several share one schema in a single case.</summary>
    public IReadOnlyList<short> Types { get; init; } = [];

    public required Versions Versions { get; init; }

    public required Versions Flexible { get; init; }

    public Versions Deprecated { get; init; } = Versions.None;

    public bool IsLatestVersionUnstable { get; init; }

    /// <summary>Records are rewritten (compaction, snapshots), so tagged fields of later releases must survive in them.</summary>
    public bool KeepsUnknownTags => Kind == HeadKind.Record && !Flexible.IsEmpty;

    /// <summary>The body, as a struct with the name of the message.</summary>
    public required Struct Body { get; init; }

    /// <summary>All structs of the message but its body, in the order in which they stand in the file.</summary>
    public List<Struct> Structs { get; } = [];
}

/// <summary>A sequence of fields.</summary>
internal sealed class Struct(string name)
{
    public string Name { get; } = name;

    /// <summary>The name of the class, which differs where a field of the message has the struct's name.</summary>
    public string ClassName { get; set; } = name;

    /// <summary>The versions in which it can occur.</summary>
    public Versions Versions { get; set; } = Versions.All;

    /// <summary>Whether it is an element of an array somewhere.</summary>
    public bool IsElement { get; set; }

    /// <summary>Whether somebody must know that all its fields have their defaults.</summary>
    public bool NeedsIsDefault { get; set; }

    public List<Field> Fields { get; } = [];

    public IEnumerable<Field> TaggedFields => Fields.Where(item => item.Tag is not null).OrderBy(item => item.Tag);
}

/// <summary>A field as it was declared and, once resolved, in the context of its struct.</summary>
internal sealed class Field
{
    public required string Name { get; init; }

    /// <summary>The primitive, or the name of the struct.</summary>
    public required string TypeName { get; init; }

    public required bool IsArray { get; init; }

    /// <summary>The versions that have the field, within those of its struct.</summary>
    public Versions Versions { get; set; } = Versions.All;

    public Versions Nullable { get; set; } = Versions.None;

    public int? Tag { get; init; }

    public Versions Tagged { get; set; } = Versions.None;

    /// <summary>Overrides the flexible versions of the head.</summary>
    public Versions? Flexible { get; init; }

    public string? Default { get; init; }

    public bool IsIgnorable { get; init; }

    public bool IsKey { get; init; }

    public string? Entity { get; init; }

    /// <summary>The struct of the field or of its elements; null for primitives.</summary>
    public Struct? Struct { get; set; }

    public string PropertyName => char.ToUpperInvariant(Name[0]) + Name[1..];

    /// <summary>Whether null is a value in some version, so that the property is nullable.</summary>
    public bool IsNullable => !Nullable.IsEmpty || Default == "null";

    /// <summary>The versions in which it stands among the other fields, not in the tagged section.</summary>
    public Versions Untagged => Versions.Except(Tagged);
}
