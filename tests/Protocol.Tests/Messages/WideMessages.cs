using Milena.ProtocolGenerator;

namespace Milena.Protocol.Tests.Messages;

/// <summary>Messages in which one array is wide and its elements are all defaults: the fewest bytes for the most objects.</summary>
internal static class WideMessages
{
    private const int Elements = 2000;

    /// <summary>One message for each array of structs that the version has.</summary>
    public static IEnumerable<IMessage> Of(MessageSchema schema, short version)
    {
        foreach (var path in Paths(schema.Head.Body, version))
        {
            var message = (IMessage)Activator.CreateInstance(schema.Type)!;
            Widen(schema, message, path, 0);
            yield return message;
        }
    }

    /// <summary>Each way through the fields that ends at an array of structs.</summary>
    private static IEnumerable<Field[]> Paths(Struct item, short version)
    {
        foreach (var field in item.Fields.Where(field => field.Struct is not null && field.Versions.Contains(version)))
        {
            if (field.IsArray)
                yield return [field];
            foreach (var rest in Paths(field.Struct!, version))
                yield return [field, .. rest];
        }
    }

    private static void Widen(MessageSchema schema, object instance, Field[] path, int depth)
    {
        var field = path[depth];
        var isLast = depth == path.Length - 1;
        var type = schema.ClassOf(field.Struct!);
        var property = instance.GetType().GetProperty(field.PropertyName)!;
        if (!field.IsArray)
        {
            property.SetValue(instance, Activator.CreateInstance(type));
            Widen(schema, property.GetValue(instance)!, path, depth + 1);
            return;
        }
        var elements = Array.CreateInstance(type, isLast ? Elements : 1);
        for (var i = 0; i < elements.Length; i++)
            elements.SetValue(Activator.CreateInstance(type), i);
        property.SetValue(instance, elements);
        if (!isLast)
            Widen(schema, elements.GetValue(0)!, path, depth + 1);
    }
}
