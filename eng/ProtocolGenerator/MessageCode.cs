namespace Milena.ProtocolGenerator;

/// <summary>Emits the classes of the messages of one schema file.</summary>
internal static class MessageCode
{
    public static string Emit(SchemaFile file)
    {
        var code = CodeWriter.ForFile("Milena.Protocol.Messages", "Milena.Common");
        foreach (var head in file.Heads)
        {
            if (head != file.Heads[0])
                code.Blank();
            EmitHead(code, file, head);
        }
        return code.ToString();
    }

    private static void EmitHead(CodeWriter code, SchemaFile file, Head head)
    {
        code.Line($"/// <summary>{Summary(file, head)}</summary>");
        code.Line($"/// <remarks>{Remarks(head)}</remarks>");
        code.Open($"public sealed partial class {head.Name} : {string.Join(", ", Interfaces(file, head))}");
        EmitStatics(code, file, head);
        EmitProperties(code, head, head.Body);
        code.Blank();
        ReadCode.Emit(code, head, head.Body);
        code.Blank();
        WriteCode.Emit(code, head, head.Body);
        ErrorCountCode.Emit(code, head, head.Body);
        foreach (var item in head.Structs)
        {
            code.Blank();
            code.Line($"/// <summary>Part of <see cref=\"{head.Name}\"/>. Versions {item.Versions.Intersect(head.Versions)}.</summary>");
            code.Open($"public sealed partial class {item.ClassName}");
            EmitProperties(code, head, item);
            code.Blank();
            ReadCode.Emit(code, head, item);
            code.Blank();
            WriteCode.Emit(code, head, item);
            ErrorCountCode.Emit(code, head, item);
            code.Close();
        }
        code.Close();
    }

    private static string Summary(SchemaFile file, Head head) => head.Kind switch
    {
        HeadKind.Request => $"The request of {file.Api!.Name} (key {file.Api.Key}).",
        HeadKind.Response => $"The response of {file.Api!.Name} (key {file.Api.Key}).",
        HeadKind.Header => "A header, which stands before the body in every frame.",
        HeadKind.Record => $"A record of the family {head.Family}, type {string.Join(" or ", head.Types)}.",
        _ => "Data that stands in a file or in a field of bytes.",
    };

    private static string Remarks(Head head) =>
        $"Versions {head.Versions}, flexible {head.Flexible.Intersect(head.Versions)}."
        + (head.Deprecated.IsEmpty ? "" : $" Deprecated: {head.Deprecated}.")
        + (head.IsLatestVersionUnstable ? $" Version {head.Versions.High} is not stable." : "");

    private static IEnumerable<string> Interfaces(SchemaFile file, Head head)
    {
        yield return $"IMessage<{head.Name}>";
        if (head.Kind == HeadKind.Request)
            yield return $"IRequest<{head.Name}, {file.Heads.Single(other => other.Kind == HeadKind.Response).Name}>";
        if (head.Kind == HeadKind.Response)
            yield return $"IResponse<{head.Name}>";
        if (head.Kind == HeadKind.Response && head.Body.Fields.Any(field => field.PropertyName == "ThrottleTimeMs"))
            yield return "IThrottledResponse";
        if (head.Family is not null)
            yield return Families.Interface(head.Family);
    }

    private static void EmitStatics(CodeWriter code, SchemaFile file, Head head)
    {
        code.Line("/// <inheritdoc/>");
        code.Line($"public static VersionRange Versions => new({head.Versions.Low}, {head.Versions.High});");
        if (head.Kind is HeadKind.Request or HeadKind.Response)
        {
            code.Blank();
            code.Line("/// <inheritdoc/>");
            // A field called Key leaves the API's key to those who ask for it through the interface.
            var isTaken = head.Body.Fields.Any(field => field.PropertyName == "Key");
            var member = isTaken ? $"static ApiKey I{head.Kind}<{head.Name}>.Key" : "public static ApiKey Key";
            code.Line($"{member} => ApiKey.{file.Api!.Name};");
        }
        if (head.Kind == HeadKind.Response)
        {
            code.Blank();
            code.Line("/// <inheritdoc/>");
            code.Line($"public static {head.Name}? OfError(ErrorCode error, short version) => {OfError(head)};");
        }
        if (head.Types.Count > 1)
        {
            code.Blank();
            code.Line($"/// <summary>The type of the record: {string.Join(" or ", head.Types)}.</summary>");
            code.Line($"public short Type {{ get; set; }} = {head.Types[0]};");
        }
        else if (head.Types.Count == 1)
        {
            code.Blank();
            code.Line("/// <summary>The type of the record.</summary>");
            code.Line($"public short Type => {head.Types[0]};");
        }
        if (head.Kind == HeadKind.Record)
        {
            code.Blank();
            code.Line("VersionRange IRecord.Versions => Versions;");
        }
        code.Blank();
        code.Line("/// <inheritdoc/>");
        code.Line($"public static bool IsFlexible(short version) => {head.Flexible.Condition(head.Versions) ?? "true"};");
        code.Blank();
    }

    // Only a field of the response's own speaks for all that was asked.
    private static string OfError(Head head)
    {
        if (head.Body.Fields.FirstOrDefault(field => field.PropertyName == "ErrorCode") is not { } field)
            return "null";
        var condition = field.Versions.Condition(head.Versions);
        return $"{(condition is null ? "" : $"{condition} ? ")}new {head.Name} {{ ErrorCode = error }}{(condition is null ? "" : " : null")}";
    }

    private static void EmitProperties(CodeWriter code, Head head, Struct item)
    {
        foreach (var field in item.Fields)
        {
            if (field != item.Fields[0])
                code.Blank();
            code.Line($"/// <summary>{Describe(item, field)}</summary>");
            var type = FieldCode.PropertyType(field);
            if (FieldCode.IsLazy(field))
            {
                var stored = FieldCode.Stored(field);
                code.Open($"public {type} {field.PropertyName}");
                code.Line($"get => {stored} ??= new();");
                code.Line($"set => {stored} = value;");
                code.Close();
                code.Blank();
                code.Line($"private {type}? {stored};");
                continue;
            }
            var initializer = FieldCode.Initializer(field);
            code.Line($"public {type} {field.PropertyName} {{ get; set; }}{(initializer is null ? "" : $" = {initializer};")}");
        }
        if (head.KeepsUnknownTags && FlexibleCode.Of(head, item) != "false")
        {
            code.Blank();
            code.Line("/// <summary>Tagged fields of later releases.</summary>");
            code.Line("public UnknownTags? UnknownTags { get; set; }");
        }
    }

    private static string Describe(Struct item, Field field)
    {
        var facts = new List<string> { $"{(field.IsArray ? "Array of " : "")}{field.TypeName}, versions {field.Versions}" };
        if (!field.Tagged.IsEmpty)
            facts.Add($"tag {field.Tag}");
        if (!field.Nullable.IsEmpty)
            facts.Add($"null in {field.Nullable}");
        if (field.Default is { } value)
            facts.Add($"default {(value == "\"\"" ? "empty" : value)}");
        if (field.IsIgnorable && field.Versions != item.Versions)
            facts.Add("dropped in versions without it");
        if (field.IsKey)
            facts.Add("key of the array");
        return string.Join(", ", facts) + "." + (field.Entity is null ? "" : $" A {Entity(field.Entity)}.");
    }

    private static string Entity(string entity) => entity switch
    {
        "brokerId" => "broker id",
        "topicName" => "topic's name",
        "groupId" => "group id",
        "transactionalId" => "transactional id",
        "producerId" => "producer id",
        _ => throw new SchemaException($"no entity {entity}"),
    };
}
