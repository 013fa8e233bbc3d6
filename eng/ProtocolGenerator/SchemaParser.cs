namespace Milena.ProtocolGenerator;

/// <summary>Reads <c>.kmsg</c> files by the grammar of <c>messages/README.md</c>.</summary>
internal sealed class SchemaParser
{
    internal static readonly IReadOnlySet<string> Primitives = new HashSet<string>
    {
        "bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "float64", "uuid", "string", "bytes", "records",
    };

    private readonly List<Line> lines = [];
    private readonly string name;
    private int next;

    private SchemaParser(string name, IEnumerable<string> text)
    {
        this.name = name;
        foreach (var line in text)
            lines.Add(new(lines.Count + 1, line));
    }

    private bool AtEnd => next == lines.Count;

    /// <summary>All files of a directory, by name.</summary>
    public static IReadOnlyList<SchemaFile> ParseDirectory(string directory) =>
        [.. Directory.EnumerateFiles(directory, "*.kmsg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => Parse(Path.GetFileNameWithoutExtension(path), File.ReadLines(path)))];

    /// <summary>One file; <paramref name="name"/> is used in errors and as the name of the generated file.</summary>
    public static SchemaFile Parse(string name, IEnumerable<string> text)
    {
        var parser = new SchemaParser(name, text);
        try
        {
            return parser.ParseFile();
        }
        catch (SchemaException error)
        {
            throw new SchemaException($"{name}.kmsg({Math.Min(parser.next, parser.lines.Count)}): error: {error.Message}");
        }
    }

    private SchemaFile ParseFile()
    {
        Api? api = null;
        if (!AtEnd && lines[next].Words[0] == "api")
            api = ParseApi(lines[next++]);
        var heads = new List<Head>();
        while (!AtEnd)
            heads.Add(ParseHead(lines[next++]));
        return new(name, api, heads);
    }

    private static Api ParseApi(Line line) =>
        new(short.Parse(line.Words[1]), line.Words[2], line.Value("served-by")!.Split(',').ToHashSet());

    private Head ParseHead(Line line)
    {
        Expect(line.Indent == 0, "a head stands at indent 0");
        var kind = line.Words[0] switch
        {
            "request" => HeadKind.Request,
            "response" => HeadKind.Response,
            "header" => HeadKind.Header,
            "data" => HeadKind.Data,
            "record" => HeadKind.Record,
            var word => throw new SchemaException($"'{word}' opens nothing"),
        };
        var isRecord = kind == HeadKind.Record;
        var headName = line.Words[isRecord ? 3 : 1];
        var versions = Versions.Parse(line.Value("versions") ?? throw new SchemaException("a head needs versions"));
        var head = new Head
        {
            Kind = kind,
            Name = headName,
            Family = isRecord ? line.Words[1] : null,
            Types = isRecord ? [.. line.Words[2].Split(',').Select(short.Parse)] : [],
            Versions = versions,
            Flexible = Versions.Parse(line.Value("flexible") ?? "none").Intersect(versions),
            Deprecated = Versions.Parse(line.Value("deprecated") ?? "none"),
            IsLatestVersionUnstable = line.Has("latest-version-unstable"),
            Body = new Struct(headName) { Versions = versions },
        };
        ParseBody(head);
        SchemaResolver.Resolve(head);
        return head;
    }

    private void ParseBody(Head head)
    {
        while (!AtEnd && lines[next].Indent == 1)
        {
            var line = lines[next++];
            if (line.Words[0] != "struct")
            {
                head.Body.Fields.Add(ParseField(head, line));
                continue;
            }
            var common = new Struct(line.Words[1]) { Versions = Versions.Parse(line.Value("versions") ?? "0+").Intersect(head.Versions) };
            head.Structs.Add(common);
            ParseChildren(head, common, 2);
        }
        Expect(AtEnd || lines[next].Indent == 0, "wrong indent");
    }

    private void ParseChildren(Head head, Struct parent, int indent)
    {
        while (!AtEnd && lines[next].Indent == indent)
            parent.Fields.Add(ParseField(head, lines[next++]));
        Expect(AtEnd || lines[next].Indent < indent, "wrong indent");
    }

    private Field ParseField(Head head, Line line)
    {
        Expect(line.Words.Count >= 2, "a field needs a type");
        var isArray = line.Words[1].StartsWith("[]", StringComparison.Ordinal);
        var typeName = isArray ? line.Words[1][2..] : line.Words[1];
        var field = new Field
        {
            Name = line.Words[0],
            TypeName = typeName,
            IsArray = isArray,
            Versions = Versions.Parse(line.Value("versions") ?? "0+"),
            Nullable = Versions.Parse(line.Value("nullable") ?? "none"),
            Tag = line.Value("tag") is { } tag ? int.Parse(tag) : null,
            Tagged = Versions.Parse(line.Value("tagged") ?? "none"),
            Flexible = line.Value("flexible") is { } flexible ? Versions.Parse(flexible) : null,
            Default = line.Value("default"),
            IsIgnorable = line.Has("ignorable"),
            IsKey = line.Has("key"),
            Entity = line.Value("entity"),
        };
        if (!AtEnd && lines[next].Indent > line.Indent)
        {
            Expect(!Primitives.Contains(typeName), $"{typeName} has no fields");
            field.Struct = new Struct(typeName);
            head.Structs.Add(field.Struct);
            ParseChildren(head, field.Struct, line.Indent + 1);
        }
        return field;
    }

    private static void Expect(bool claim, string message)
    {
        if (!claim)
            throw new SchemaException(message);
    }

    /// <summary>One declaration, split into words.</summary>
    private sealed class Line
    {
        public Line(int number, string text)
        {
            var spaces = text.Length - text.TrimStart(' ').Length;
            if (spaces % 2 != 0 || text.Trim().Length == 0)
                throw new SchemaException($"line {number} is empty or indented by an odd number of spaces");
            Indent = spaces / 2;
            Words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }

        public int Indent { get; }

        public IReadOnlyList<string> Words { get; }

        public bool Has(string attribute) => Words.Skip(2).Contains(attribute);

        public string? Value(string attribute) =>
            Words.FirstOrDefault(word => word.StartsWith(attribute + "=", StringComparison.Ordinal))?[(attribute.Length + 1)..];
    }
}
