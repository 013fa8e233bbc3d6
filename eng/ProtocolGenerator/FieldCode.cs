using System.Globalization;

namespace Milena.ProtocolGenerator;

/// <summary>What is said about one field in C#: its type, its default, and how long it is at least.</summary>
internal static class FieldCode
{
    /// <summary>Whether the value is one of the protocol's error codes, and typed as such.</summary>
    public static bool IsErrorCode(Field field) =>
        field is { TypeName: "int16", IsArray: false } && field.PropertyName.EndsWith("ErrorCode", StringComparison.Ordinal);

    /// <summary>A struct that is never null is created when somebody asks for it, so that an absent one costs nothing.</summary>
    public static bool IsLazy(Field field) => field is { Struct: not null, IsArray: false, IsNullable: false };

    /// <summary>How the class itself refers to the value without creating it.</summary>
    public static string Stored(Field field) =>
        IsLazy(field) ? char.ToLowerInvariant(field.PropertyName[0]) + field.PropertyName[1..] + "OrNull" : field.PropertyName;

    public static string ElementType(Field field) => field.Struct?.ClassName ?? field.TypeName switch
    {
        "bool" => "bool",
        "int8" => "sbyte",
        "int16" => IsErrorCode(field) ? "ErrorCode" : "short",
        "uint16" => "ushort",
        "int32" => "int",
        "uint32" => "uint",
        "int64" => "long",
        "float64" => "double",
        "uuid" => "Uuid",
        "string" => "string",
        "bytes" => "ReadOnlyMemory<byte>",
        "records" => "RecordBytes",
        _ => throw new SchemaException($"no primitive {field.TypeName}"),
    };

    public static string PropertyType(Field field) =>
        ElementType(field) + (field.IsArray ? "[]" : "") + (field.IsNullable && field.TypeName != "records" ? "?" : "");

    /// <summary>What the methods of readers and writers are called for the primitive.</summary>
    public static string MethodName(Field field) => field.TypeName switch
    {
        "uint16" => "UInt16",
        "uint32" => "UInt32",
        var name => char.ToUpperInvariant(name[0]) + name[1..],
    };

    /// <summary>The default as an expression; null if it is that of the C# type.</summary>
    public static string? Initializer(Field field)
    {
        if (field.Default == "null")
            return null;
        if (field.IsArray)
            return "[]";
        if (field.Struct is not null)
            return "new()";
        return field.TypeName switch
        {
            "string" => "\"\"",
            "bytes" => field.IsNullable ? "ReadOnlyMemory<byte>.Empty" : null,
            "bool" => field.Default == "true" ? "true" : null,
            "uuid" => null,
            "records" => field.IsNullable ? null : "RecordBytes.Empty",
            _ => Number(field) is "0" ? null : Number(field),
        };
    }

    /// <summary>A condition that holds if the value is not the default.</summary>
    public static string IsSet(Field field)
    {
        var value = Stored(field);
        if (field.TypeName == "records")
            return field.IsNullable ? $"!{value}.IsNull" : $"{value}.Length != 0";
        if (field.Default == "null")
            return $"{value} is not null";
        if (field.IsArray)
            return field.IsNullable ? $"{value} is not {{ Length: 0 }}" : $"{value}.Length != 0";
        if (field.Struct is not null)
            return IsLazy(field) ? $"{value} is not null && !{value}.IsDefault()" : $"{value} is null || !{value}.IsDefault()";
        return field.TypeName switch
        {
            "bool" => field.Default == "true" ? "!" + value : value,
            "string" => field.IsNullable ? $"{value} is not \"\"" : $"{value}.Length != 0",
            "bytes" => field.IsNullable ? $"{value} is not {{ Length: 0 }}" : $"!{value}.IsEmpty",
            "uuid" => $"{value} != Uuid.Zero",
            "int16" when IsErrorCode(field) => $"{value} != ErrorCode.None",
            _ => $"{value} != {Number(field)}",
        };
    }

    /// <summary>The least number of bytes that a struct takes as an element of an array, in any of the versions <paramref name="among"/>.</summary>
    public static int MinimumElementSize(Struct item, Versions among, bool isFlexible) => Math.Max(1, MinimumSize(item, among, isFlexible));

    /// <summary>The number of bytes of a field that always takes as many; null for others.</summary>
    public static int? FixedSize(Field field) => field.IsArray || field.Struct is not null
        ? null
        : field.TypeName switch
        {
            "bool" or "int8" => 1,
            "int16" or "uint16" => 2,
            "int32" or "uint32" => 4,
            "int64" or "float64" => 8,
            "uuid" => 16,
            _ => null,
        };

    private static int MinimumSize(Struct item, Versions among, bool isFlexible)
    {
        var size = isFlexible ? 1 : 0;
        foreach (var field in item.Fields.Where(field => field.Tag is null && field.Versions.Covers(among)))
        {
            if (field.IsArray)
                size += isFlexible ? 1 : 4;
            else if (field.Struct is { } inner)
                size += field.IsNullable ? 1 : MinimumSize(inner, among, isFlexible);
            else
                size += MinimumScalarSize(field, isFlexible);
        }
        return size;
    }

    private static int MinimumScalarSize(Field field, bool isFlexible) => FixedSize(field) ?? field.TypeName switch
    {
        "string" => isFlexible ? 1 : 2,
        _ => isFlexible ? 1 : 4,
    };

    private static string Number(Field field)
    {
        var text = field.Default ?? "0";
        if (IsErrorCode(field) && text != "0")
            throw new SchemaException($"{field.Name}: the default of an error code is 0");
        if (!decimal.TryParse(text, CultureInfo.InvariantCulture, out var number))
            throw new SchemaException($"{field.Name}: '{text}' is not a number");
        return number switch
        {
            int.MinValue => "int.MinValue",
            int.MaxValue => "int.MaxValue",
            long.MaxValue => "long.MaxValue",
            _ => text,
        };
    }
}
