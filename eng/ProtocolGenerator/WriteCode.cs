namespace Milena.ProtocolGenerator;

/// <summary>Emits the methods that encode a struct, and the question whether it is all defaults.</summary>
internal static class WriteCode
{
    public static void Emit(CodeWriter code, Head head, Struct item)
    {
        var isBody = item == head.Body;
        if (isBody)
            code.Line("/// <inheritdoc/>");
        code.Open($"{(isBody ? "public" : "internal")} void Write(MessageWriter writer, short version)");
        if (isBody)
            code.Line("Invariant.Holds(Versions.Contains(version));");
        FlexibleCode.Declare(code, head, item);
        foreach (var field in item.Fields)
            EmitField(code, head, item, field);
        EmitTags(code, head, item);
        code.Close();
        if (item.IsElement)
            EmitArray(code, head, item);
        if (item.NeedsIsDefault)
            EmitIsDefault(code, head, item);
    }

    private static void EmitArray(CodeWriter code, Head head, Struct item)
    {
        var flexible = FlexibleCode.Of(head, item);
        code.Blank();
        code.Open($"internal static void WriteArray({item.ClassName}[]? values, MessageWriter writer, short version)");
        FlexibleCode.Declare(code, head, item);
        code.Line($"writer.WriteArrayCount(values?.Length ?? -1, {flexible});");
        code.Line("foreach (var value in values ?? [])");
        code.Indented("value.Write(writer, version);");
        code.Close();
    }

    private static void EmitIsDefault(CodeWriter code, Head head, Struct item)
    {
        var set = item.Fields.Select(field => FieldCode.IsSet(field) is var isSet && isSet.Contains(' ') ? $"({isSet})" : isSet).ToList();
        if (head.KeepsUnknownTags && FlexibleCode.Of(head, item) != "false")
            set.Add("(UnknownTags is not null)");
        code.Blank();
        code.Line("/// <summary>Whether every field has its default, so that a tagged field of this type is left out.</summary>");
        code.Line(set.Count == 0 ? "internal bool IsDefault() => true;" : $"internal bool IsDefault() => !({string.Join(" || ", set)});");
    }

    private static void EmitField(CodeWriter code, Head head, Struct item, Field field)
    {
        var untagged = field.Untagged;
        if (!untagged.IsEmpty)
        {
            var condition = untagged.Condition(item.Versions);
            var nullable = field.Nullable.Intersect(untagged);
            var nullCondition = nullable.Condition(untagged);
            if (nullable.IsEmpty || nullCondition is null)
            {
                EmitValue(code, condition, head, item, field, isTagged: false, isNullable: !nullable.IsEmpty);
            }
            else
            {
                // Within the versions that have the field, null is allowed only in some.
                if (field is { Struct: not null, IsArray: false })
                    throw new SchemaException($"{field.Name}: a struct is nullable in all versions that have it, or in none");
                code.If(Both(condition, nullCondition), Statement(head, item, field, isNullable: true));
                code.Line(condition is null ? "else" : $"else if ({condition})");
                code.Indented(Statement(head, item, field, isNullable: false));
            }
        }
        if (field.IsIgnorable || field.Versions == item.Versions)
            return;

        // A value that the version cannot say is an error, not something to forget.
        code.If(
            Both(field.Versions.ConditionOutside(item.Versions), FieldCode.IsSet(field)),
            $"throw UnsupportedFieldException.NotInVersion(\"{item.ClassName}.{field.PropertyName}\", version);");
    }

    private static string Both(string? first, string second) =>
        first is null ? second : $"{first} && {(second.Contains("||") ? $"({second})" : second)}";

    private static void EmitTags(CodeWriter code, Head head, Struct item)
    {
        var flexible = FlexibleCode.Of(head, item);
        if (flexible == "false")
            return;
        var fields = item.TaggedFields.Where(field => !field.Tagged.IsEmpty).ToList();
        var count = fields.Select(field => $"has{field.PropertyName} ? 1u : 0u").ToList();
        if (head.KeepsUnknownTags)
            count.Add("UnknownTags?.Count ?? 0u");
        if (count.Count == 0)
        {
            code.If(flexible == "true" ? null : flexible, "writer.WriteUnsignedVarint(0);");
            return;
        }
        if (flexible != "true")
            code.If("!flexible", "return;");
        foreach (var field in fields)
        {
            var condition = field.Tagged.Condition(head.Flexible.Intersect(item.Versions));
            code.Line($"var has{field.PropertyName} = {Both(condition, FieldCode.IsSet(field))};");
        }
        code.Line($"writer.WriteUnsignedVarint({(count.Count == 1 ? count[0] : string.Join(" + ", count.Select(term => $"({term})")))});");
        foreach (var field in fields)
            EmitTag(code, head, item, field);
        if (head.KeepsUnknownTags)
            code.Line("UnknownTags?.Write(writer);");
    }

    private static void EmitTag(CodeWriter code, Head head, Struct item, Field field)
    {
        code.Open($"if (has{field.PropertyName})");
        var isNullable = !field.Nullable.Intersect(field.Tagged).IsEmpty;
        if (FieldCode.FixedSize(field) is { } size)
        {
            code.Line($"writer.WriteTag({field.Tag}, {size});");
            EmitValue(code, null, head, item, field, isTagged: true, isNullable);
        }
        else
        {
            code.Line($"var payload = writer.BeginTag({field.Tag});");
            EmitValue(code, null, head, item, field, isTagged: true, isNullable);
            code.Line("writer.EndTag(payload);");
        }
        code.Close();
    }

    private static void EmitValue(CodeWriter code, string? condition, Head head, Struct item, Field field, bool isTagged, bool isNullable)
    {
        if (field is { Struct: not null, IsArray: false } && isNullable)
        {
            var method = isTagged ? "WriteTaggedPresence" : "WritePresence";
            code.If(Both(condition, $"writer.{method}({field.PropertyName} is not null)"), $"{field.PropertyName}!.Write(writer, version);");
            return;
        }
        code.If(condition, Statement(head, item, field, isNullable));
    }

    private static string Statement(Head head, Struct item, Field field, bool isNullable)
    {
        var value = field.PropertyName;
        if (field is { IsNullable: true, TypeName: not "records" } && !isNullable)
            value += $" ?? throw UnsupportedFieldException.Null(\"{item.ClassName}.{field.PropertyName}\", version)";
        if (field.Struct is { } inner)
        {
            if (field.IsArray)
                return $"{head.Name}.{inner.ClassName}.WriteArray({value}, writer, version);";
            return $"{(value == field.PropertyName ? value : $"({value})")}.Write(writer, version);";
        }
        var method = FieldCode.MethodName(field);
        if (field.IsArray)
            return $"writer.Write{method}Array({value}, {FlexibleCode.Of(head, item, field)});";
        if (FieldCode.FixedSize(field) is not null)
            return $"writer.Write{method}({(FieldCode.IsErrorCode(field) ? "(short)" : "")}{value});";
        return $"writer.Write{(isNullable ? "Nullable" : "")}{method}({value}, {FlexibleCode.Of(head, item, field)});";
    }
}
