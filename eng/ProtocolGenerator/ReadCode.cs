namespace Milena.ProtocolGenerator;

/// <summary>Emits the methods that decode a struct.</summary>
internal static class ReadCode
{
    public static void Emit(CodeWriter code, Head head, Struct item)
    {
        var type = item.ClassName;
        var isBody = item == head.Body;
        if (isBody)
            code.Line("/// <inheritdoc/>");
        code.Open($"{(isBody ? "public" : "internal")} static {type} Read(ref MessageReader reader, short version)");
        if (isBody)
            code.If("!Versions.Contains(version)", $"throw MalformedMessageException.NoSuchVersion(\"{type}\", version);");
        FlexibleCode.Declare(code, head, item);
        code.Line($"var value = new {type}();");
        foreach (var field in item.Fields.Where(field => !field.Untagged.IsEmpty))
            code.If(field.Untagged.Condition(item.Versions), $"value.{field.PropertyName} = {Expression(head, item, field, field.Untagged)};");
        EmitTags(code, head, item);
        code.Line("return value;");
        code.Close();
        if (item.IsElement)
            EmitArray(code, head, item);
    }

    private static void EmitArray(CodeWriter code, Head head, Struct item)
    {
        var type = item.ClassName;
        var flexible = FlexibleCode.Of(head, item);
        var compact = item.Versions.Intersect(head.Flexible);
        var size = (
            Plain: FieldCode.MinimumElementSize(item, item.Versions.Except(compact), false),
            Flexible: FieldCode.MinimumElementSize(item, compact, true));
        var minimum = flexible switch
        {
            "true" => $"{size.Flexible}",
            "false" => $"{size.Plain}",
            _ => size.Flexible == size.Plain ? $"{size.Plain}" : $"flexible ? {size.Flexible} : {size.Plain}",
        };
        code.Blank();
        code.Open($"internal static {type}[]? ReadArray(ref MessageReader reader, short version)");
        FlexibleCode.Declare(code, head, item);
        code.Line($"var count = reader.ReadArrayCount({flexible}, {minimum});");
        code.If("count <= 0", "return count < 0 ? null : [];");
        code.Line($"var values = new {type}[count];");
        code.Line("for (var i = 0; i < values.Length; i++)");
        code.Indented("values[i] = Read(ref reader, version);");
        code.Line("return values;");
        code.Close();
    }

    private static void EmitTags(CodeWriter code, Head head, Struct item)
    {
        var flexible = FlexibleCode.Of(head, item);
        if (flexible == "false")
            return;
        var fields = item.TaggedFields.Where(field => !field.Tagged.IsEmpty).ToList();
        if (fields.Count == 0)
        {
            code.If(
                flexible == "true" ? null : flexible,
                head.KeepsUnknownTags ? "value.UnknownTags = reader.ReadUnknownTags();" : "reader.SkipTags();");
            return;
        }
        if (flexible != "true")
            code.If("!flexible", "return value;");
        code.Line("var tag = -1L;");
        code.Open("for (var tags = reader.ReadTagCount(); tags > 0; tags--)");
        code.Line("tag = reader.ReadTag(tag);");
        code.Line("var outer = reader.EnterTag();");
        code.Open("switch (tag)");
        foreach (var field in fields)
        {
            var condition = field.Tagged.Condition(head.Flexible.Intersect(item.Versions));
            code.Line($"case {field.Tag}{(condition is null ? "" : " when " + condition)}:");
            code.Indented($"value.{field.PropertyName} = {Expression(head, item, field, field.Tagged)};");
            code.Indented("break;");
        }
        if (head.KeepsUnknownTags)
        {
            code.Line($"case > {fields[^1].Tag}:");
            code.Indented("value.UnknownTags = reader.KeepTag(tag, value.UnknownTags);");
            code.Indented("break;");
        }
        code.Line("default:");
        code.Indented("reader.SkipTag();");
        code.Indented("break;");
        code.Close();
        code.Line("reader.LeaveTag(outer);");
        code.Close();
    }

    /// <summary>The expression that reads a field in the versions <paramref name="present"/>.</summary>
    private static string Expression(Head head, Struct item, Field field, Versions present)
    {
        var nullable = field.Nullable.Intersect(present);
        if (nullable.IsEmpty)
            return Value(head, item, field, present, isNullable: false);
        var condition = nullable.Condition(present);
        return condition is null
            ? Value(head, item, field, present, isNullable: true)
            : $"{condition} ? {Value(head, item, field, present, isNullable: true)} : {Value(head, item, field, present, isNullable: false)}";
    }

    private static string Value(Head head, Struct item, Field field, Versions present, bool isNullable)
    {
        var flexible = FlexibleCode.Of(head, item, field);
        if (field.Struct is { } inner)
        {
            if (field.IsArray)
            {
                var refusal = isNullable ? "" : $" ?? throw MalformedMessageException.Null(\"{field.Name}\")";
                return $"{head.Name}.{inner.ClassName}.ReadArray(ref reader, version){refusal}";
            }
            var isTagged = present == field.Tagged;
            var read = $"{head.Name}.{inner.ClassName}.Read(ref reader, version)";
            return isNullable ? $"reader.{(isTagged ? "ReadTaggedPresence" : "ReadPresence")}() ? {read} : null" : read;
        }
        var method = FieldCode.MethodName(field);
        if (field.IsArray)
            return $"reader.Read{(isNullable ? "Nullable" : "")}{method}Array({flexible})";
        if (FieldCode.FixedSize(field) is not null)
            return $"{(FieldCode.IsErrorCode(field) ? "(ErrorCode)" : "")}reader.Read{method}()";
        return $"reader.Read{(isNullable ? "Nullable" : "")}{method}({flexible})";
    }
}
