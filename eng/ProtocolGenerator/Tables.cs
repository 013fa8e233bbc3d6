namespace Milena.ProtocolGenerator;

/// <summary>Emits the enums and tables of <c>apis.tsv</c> and <c>errors.tsv</c>.</summary>
internal static class Tables
{
    /// <summary><c>ApiKey</c>, and a row of <c>ApiTable</c> for each API.</summary>
    public static string EmitApis(string directory, IReadOnlyList<SchemaFile> files)
    {
        var stable = Rows(Path.Combine(directory, "apis.tsv"))
            .ToDictionary(row => short.Parse(row["key"]), row => (Min: row["min"], Max: row["max"], Since: row["first-release"]));
        var code = CodeWriter.ForFile("Milena.Protocol");
        var apis = files.Where(file => file.Api is not null).OrderBy(file => file.Api!.Key).ToList();
        code.Line("/// <summary>The numbers of the APIs.</summary>");
        code.Open("public enum ApiKey : short");
        foreach (var api in apis.Select(file => file.Api!))
        {
            code.Line($"/// <summary>First in {stable[api.Key].Since}.</summary>");
            code.Line($"{api.Name} = {api.Key},");
        }
        code.Close();
        code.Blank();
        code.Open("public static partial class ApiTable");
        code.Open("private static ApiInfo?[] CreateRows() =>");
        for (var key = 0; key <= apis[^1].Api!.Key; key++)
        {
            var file = apis.Find(file => file.Api!.Key == key);
            code.Line(file is null ? "null," : Row(file) + ",");
        }
        code.Close("];");
        code.Close();
        return code.ToString().Replace("CreateRows() =>\n    {", "CreateRows() =>\n    [");

        string Row(SchemaFile file)
        {
            var api = file.Api!;
            var request = file.Heads.Single(head => head.Kind == HeadKind.Request);
            var response = file.Heads.Single(head => head.Kind == HeadKind.Response);
            var row = stable[api.Key];
            return $"new(ApiKey.{api.Name}, new({row.Min}, {row.Max}), new({request.Versions.Low}, {request.Versions.High}), "
                + $"{FirstFlexible(request)}, {FirstFlexible(response)}, "
                + $"{Bool(api.ServedBy.Contains("broker"))}, {Bool(api.ServedBy.Contains("controller"))})";
        }

        static string FirstFlexible(Head head) => head.Flexible.IsEmpty ? "short.MaxValue" : $"{head.Flexible.Low}";
    }

    /// <summary><c>ErrorCode</c>, and what <c>ErrorCodes</c> tells about each.</summary>
    public static string EmitErrors(string directory)
    {
        var rows = Rows(Path.Combine(directory, "errors.tsv"));
        var code = CodeWriter.ForFile("Milena.Protocol");
        code.Line("/// <summary>The protocol's error codes.</summary>");
        code.Open("public enum ErrorCode : short");
        foreach (var row in rows)
        {
            code.Line($"/// <summary>{row["description"].Replace("&", "&amp;").Replace("<", "&lt;")}.</summary>");
            code.Line($"{Pascal(row["name"])} = {row["code"]},");
        }
        code.Close();
        code.Blank();
        code.Open("public static partial class ErrorCodes");
        EmitSwitch("string", "NameOf", row => $"\"{row["name"]}\"", "null");
        code.Blank();
        EmitSwitch("string", "DescriptionOf", row => $"\"{row["description"].Replace("\"", "\\\"")}\"", "null");
        code.Blank();
        var retriable = rows.Where(row => row["retriable"] == "true").Select(row => "ErrorCode." + Pascal(row["name"])).ToList();
        code.Line("private static bool IsRetriableCode(ErrorCode code) => code is");
        for (var i = 0; i < retriable.Count; i++)
            code.Indented((i == 0 ? "" : "or ") + retriable[i] + (i == retriable.Count - 1 ? ";" : ""));
        code.Close();
        return code.ToString();

        void EmitSwitch(string type, string method, Func<Dictionary<string, string>, string> value, string otherwise)
        {
            code.Open($"private static {type}? {method}(ErrorCode code) => code switch");
            foreach (var row in rows)
                code.Line($"ErrorCode.{Pascal(row["name"])} => {value(row)},");
            code.Line($"_ => {otherwise},");
            code.Close("};");
        }
    }

    private static List<Dictionary<string, string>> Rows(string path)
    {
        var lines = File.ReadAllLines(path);
        var columns = lines[0].Split('\t');
        return [.. lines.Skip(1).Select(line => columns.Zip(line.Split('\t')).ToDictionary(cell => cell.First, cell => cell.Second))];
    }

    private static string Pascal(string name) =>
        string.Concat(name.Split('_').Select(word => word[..1] + word[1..].ToLowerInvariant()));

    private static string Bool(bool value) => value ? "true" : "false";
}
