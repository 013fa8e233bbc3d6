using Milena.ProtocolGenerator;

// Writes the C# of the protocol: one file for each schema file, and the tables of APIs, errors and record families.
if (args is not [var schemas, var output])
{
    Console.Error.WriteLine("usage: ProtocolGenerator SCHEMA-DIRECTORY OUTPUT-DIRECTORY");
    return 2;
}

try
{
    var files = SchemaParser.ParseDirectory(schemas);
    var sources = files.ToDictionary(file => file.Name, MessageCode.Emit);
    sources["ApiTable"] = Tables.EmitApis(schemas, files);
    sources["ErrorCodes"] = Tables.EmitErrors(schemas);
    sources["RecordFamilies"] = Families.Emit(files.SelectMany(file => file.Heads));

    Directory.CreateDirectory(output);
    foreach (var stale in Directory.EnumerateFiles(output, "*.g.cs").Where(path => !sources.ContainsKey(Path.GetFileName(path)[..^5])))
        File.Delete(stale);
    foreach (var (name, text) in sources)
        File.WriteAllText(Path.Combine(output, name + ".g.cs"), text);
    return 0;
}
catch (SchemaException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
