using System.Reflection;
using Milena.ProtocolGenerator;

namespace Milena.Protocol.Tests.Messages;

/// <summary>
/// The schemas as the generator read them, and the classes that it made of them. Tests go over all messages with
/// reflection, so that what they expect does not come from generated code.
/// </summary>
internal static class Schemas
{
    public static IReadOnlyDictionary<string, MessageSchema> ByName { get; } = Load().ToDictionary(schema => schema.Name);

    public static IEnumerable<MessageSchema> All => ByName.Values;

    /// <summary>Every message in every version.</summary>
    public static IEnumerable<(MessageSchema Message, short Version)> AllVersions =>
        from schema in All
        from version in Enumerable.Range(schema.Head.Versions.Low, schema.Head.Versions.High - schema.Head.Versions.Low + 1)
        select (schema, (short)version);

    private static IEnumerable<MessageSchema> Load()
    {
        var assembly = typeof(Schemas).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith("schemas/", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            foreach (var head in SchemaParser.Parse(resource, reader.ReadToEnd().TrimEnd('\n').Split('\n')).Heads)
                yield return new(head);
        }
    }
}

/// <summary>One message: its schema, its class, and its codec without the type parameter.</summary>
internal sealed class MessageSchema
{
    private readonly Func<ReadOnlyMemory<byte>, short, IMessage> read;

    public MessageSchema(Head head)
    {
        Head = head;
        Type = typeof(IMessage).Assembly.GetType($"Milena.Protocol.Messages.{head.Name}", throwOnError: true)!;
        read = typeof(MessageSchema).GetMethod(nameof(ReadAll), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(Type)
            .CreateDelegate<Func<ReadOnlyMemory<byte>, short, IMessage>>();
    }

    public Head Head { get; }

    public Type Type { get; }

    public string Name => Head.Name;

    /// <summary>Decodes a body that ends where the bytes end.</summary>
    public IMessage Read(ReadOnlyMemory<byte> bytes, short version) => read(bytes, version);

    /// <summary>Encodes a body.</summary>
    public static byte[] Write(IMessage message, short version)
    {
        using var writer = new MessageWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }

    public override string ToString() => Name;

    /// <summary>The class of a struct of this message.</summary>
    public Type ClassOf(Struct item) => item == Head.Body
        ? Type
        : Type.GetNestedType(item.ClassName) ?? throw new InvalidOperationException($"no class {Name}.{item.ClassName}");

    private static IMessage ReadAll<T>(ReadOnlyMemory<byte> bytes, short version)
        where T : IMessage<T>
    {
        var reader = new MessageReader(bytes);
        var message = T.Read(ref reader, version);
        reader.ExpectEnd();
        return message;
    }
}
