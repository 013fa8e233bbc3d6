namespace Milena.ProtocolGenerator;

/// <summary>How generated code asks whether compact lengths and tagged fields are used.</summary>
internal static class FlexibleCode
{
    /// <summary>A literal where the answer is the same in all versions of the struct, else the name of a local.</summary>
    public static string Of(Head head, Struct item) => head.Flexible.Condition(item.Versions) switch
    {
        null => "true",
        "false" => "false",
        _ => "flexible",
    };

    /// <summary>The same for one field, which may differ from its struct.</summary>
    public static string Of(Head head, Struct item, Field field)
    {
        if (field.Flexible is not { } versions)
            return Of(head, item);
        return versions.Intersect(field.Versions).IsEmpty ? "false" : throw new SchemaException($"{field.Name}: only flexible=none is known");
    }

    /// <summary>Declares the local, if there is one.</summary>
    public static void Declare(CodeWriter code, Head head, Struct item)
    {
        if (Of(head, item) == "flexible")
            code.Line($"var flexible = {head.Flexible.Condition(item.Versions)};");
    }
}
