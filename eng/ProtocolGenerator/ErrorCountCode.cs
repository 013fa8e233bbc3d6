namespace Milena.ProtocolGenerator;

/// <summary>Emits the method that shows all error codes of a response, in whatever depth they stand.</summary>
internal static class ErrorCountCode
{
    public static void Emit(CodeWriter code, Head head, Struct item)
    {
        var isBody = item == head.Body;
        if (head.Kind != HeadKind.Response || !(isBody || HasErrors(item)))
            return;
        code.Blank();
        if (isBody)
            code.Line("/// <inheritdoc/>");
        code.Open($"{(isBody ? "public" : "internal")} void CountErrors(IErrorCounter errors)");
        foreach (var field in item.Fields)
            EmitField(code, field);
        code.Close();
    }

    private static void EmitField(CodeWriter code, Field field)
    {
        if (FieldCode.IsErrorCode(field))
            code.Line($"errors.Count({field.PropertyName});");
        if (field.Struct is not { } inner || !HasErrors(inner))
            return;
        if (field.IsArray)
        {
            code.Line($"foreach (var value in {field.PropertyName}{(field.IsNullable ? " ?? []" : "")})");
            code.Indented("value.CountErrors(errors);");
        }
        else
        {
            code.Line($"{FieldCode.Stored(field)}?.CountErrors(errors);");
        }
    }

    private static bool HasErrors(Struct item) =>
        item.Fields.Any(field => FieldCode.IsErrorCode(field) || (field.Struct is { } inner && HasErrors(inner)));
}
