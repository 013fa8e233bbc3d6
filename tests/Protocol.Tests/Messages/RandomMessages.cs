using Milena.Common;
using Milena.ProtocolGenerator;

namespace Milena.Protocol.Tests.Messages;

/// <summary>Random instances of messages, in which every field that the version has takes any value that it may take.</summary>
internal sealed class RandomMessages(Random random)
{
    /// <summary>The largest number of elements of an array.</summary>
    public int ElementsMax { get; init; } = 3;

    public IMessage Next(MessageSchema message, short version) => (IMessage)Fill(message, message.Head.Body, version);

    private object Fill(MessageSchema message, Struct item, short version)
    {
        var instance = Activator.CreateInstance(message.ClassOf(item))!;
        foreach (var field in item.Fields.Where(field => field.Versions.Contains(version)))
        {
            // A tagged field is often absent, which is when it has its default.
            if (field.Tagged.Contains(version) && random.Next(3) == 0)
                continue;
            var property = instance.GetType().GetProperty(field.PropertyName)!;
            property.SetValue(instance, Value(message, field, version, property.PropertyType));
        }
        return instance;
    }

    private object? Value(MessageSchema message, Field field, short version, Type type)
    {
        if (field.Nullable.Contains(version) && random.Next(4) == 0)
            return field.TypeName == "records" && !field.IsArray ? RecordBytes.Null : null;
        if (!field.IsArray)
            return Element(message, field, version, Nullable.GetUnderlyingType(type) ?? type);
        var elements = Array.CreateInstance(type.GetElementType()!, random.Next(ElementsMax + 1));
        for (var i = 0; i < elements.Length; i++)
            elements.SetValue(Element(message, field, version, type.GetElementType()!), i);
        return elements;
    }

    private object Element(MessageSchema message, Field field, short version, Type type)
    {
        if (field.Struct is { } item)
            return Fill(message, item, version);
        object value = field.TypeName switch
        {
            "bool" => random.Next(2) == 1,
            "int8" => (sbyte)Number(sbyte.MinValue, sbyte.MaxValue),
            "int16" => (short)Number(short.MinValue, short.MaxValue),
            "uint16" => (ushort)Number(0, ushort.MaxValue),
            "int32" => (int)Number(int.MinValue, int.MaxValue),
            "uint32" => (uint)Number(0, uint.MaxValue),
            "int64" => Number(long.MinValue, long.MaxValue),
            "float64" => random.NextDouble() * Math.Pow(10, random.Next(-300, 300)),
            "uuid" => random.Next(8) == 0 ? Uuid.Zero : Uuid.Next(random),
            "string" => Text(),
            "bytes" => new ReadOnlyMemory<byte>(Bytes()),
            "records" => new RecordBytes(Bytes()),
            _ => throw new InvalidOperationException(field.TypeName),
        };
        return type.IsEnum ? Enum.ToObject(type, value) : value;
    }

    /// <summary>The ends of a range as often as what lies between.</summary>
    private long Number(long min, long max) => random.Next(4) switch
    {
        0 => min,
        1 => max,
        2 => Math.Clamp(random.Next(-2, 3), min, max),
        _ => random.NextInt64(min, max),
    };

    private string Text()
    {
        // Characters of one to four bytes, now and then so many that a compact length takes two or three bytes.
        string[] characters = ["a", "Z", "9", "-", "\0", "é", "ж", "€", "中", "😀"];
        var length = random.Next(20) == 0 ? random.Next(8000) : random.Next(12);
        return string.Concat(Enumerable.Range(0, length).Select(_ => characters[random.Next(10)]).ToArray());
    }

    private byte[] Bytes()
    {
        var bytes = new byte[random.Next(20) == 0 ? random.Next(20_000) : random.Next(12)];
        random.NextBytes(bytes);
        return bytes;
    }
}
