using System.Collections;
using System.Text.Json;
using Milena.Common;
using Milena.ProtocolGenerator;

namespace Milena.Protocol.Tests.Messages;

/// <summary>What a message says, compared field by field.</summary>
internal static class Content
{
    /// <summary>Fails unless both messages hold the same values.</summary>
    public static void AssertEqual(object? expected, object? actual, string path)
    {
        switch (expected)
        {
            case null:
                Assert.True(actual is null, $"{path}: {actual} instead of null");
                break;
            case ReadOnlyMemory<byte> bytes:
                Assert.True(bytes.Span.SequenceEqual(((ReadOnlyMemory<byte>)actual!).Span), path);
                break;
            case RecordBytes records:
                Assert.True(records.IsNull == ((RecordBytes)actual!).IsNull, path);
                Assert.True(records.ToArray().AsSpan().SequenceEqual(((RecordBytes)actual).ToArray()), path);
                break;
            case string or ValueType:
                Assert.True(expected.Equals(actual), $"{path}: {actual} instead of {expected}");
                break;
            case Array elements:
                Assert.True(actual is Array others && others.Length == elements.Length, path);
                for (var i = 0; i < elements.Length; i++)
                    AssertEqual(elements.GetValue(i), ((Array)actual!).GetValue(i), $"{path}[{i}]");
                break;
            default:
                foreach (var property in expected.GetType().GetProperties().Where(property => property.CanWrite && property.Name != "UnknownTags"))
                    AssertEqual(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
                break;
        }
    }

    /// <summary>Fails unless the message holds what the JSON says; what the schema does not know is passed over.</summary>
    public static void AssertSays(JsonElement json, object instance, Struct item, string path)
    {
        foreach (var field in item.Fields)
        {
            if (json.TryGetProperty(char.ToLowerInvariant(field.Name[0]) + field.Name[1..], out var value))
                AssertValue(value, instance.GetType().GetProperty(field.PropertyName)!.GetValue(instance), field, $"{path}.{field.Name}");
        }
    }

    private static void AssertValue(JsonElement json, object? value, Field field, string path)
    {
        if (json.ValueKind == JsonValueKind.Null)
        {
            Assert.True(value is null or RecordBytes { IsNull: true }, $"{path}: {value} instead of null");
            return;
        }
        if (!field.IsArray)
        {
            AssertElement(json, value, field, path);
            return;
        }
        var elements = ((IEnumerable)value!).Cast<object>().ToList();
        Assert.True(json.GetArrayLength() == elements.Count, path);
        foreach (var (expected, actual) in json.EnumerateArray().Zip(elements))
            AssertElement(expected, actual, field, path + "[]");
    }

    private static void AssertElement(JsonElement json, object? value, Field field, string path)
    {
        if (field.Struct is { } item)
        {
            AssertSays(json, value!, item, path);
            return;
        }
        var same = value switch
        {
            string text => text == json.GetString(),
            Uuid id => id.ToString() == json.GetString(),
            bool flag => flag == json.GetBoolean(),
            double number => number.Equals(json.GetDouble()),
            ReadOnlyMemory<byte> bytes => bytes.Span.SequenceEqual(json.GetBytesFromBase64()),
            RecordBytes records => records.ToArray().AsSpan().SequenceEqual(json.GetBytesFromBase64()),
            Enum code => Convert.ToInt64(code, null) == json.GetInt64(),
            IConvertible number => number.ToInt64(null) == json.GetInt64(),
            _ => false,
        };
        Assert.True(same, $"{path}: {value} instead of {json}");
    }
}
