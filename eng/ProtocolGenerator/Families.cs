namespace Milena.ProtocolGenerator;

/// <summary>Record families: the interface of each, and the table from types to schemas.</summary>
internal static class Families
{
    private static readonly Dictionary<string, (string Interface, string Table)> ByName = new()
    {
        ["metadata"] = ("IMetadataRecord", "MetadataRecords"),
        ["remote-log"] = ("IRemoteLogRecord", "RemoteLogRecords"),
        ["control"] = ("IControlRecord", "ControlRecords"),
        ["group-key"] = ("IGroupKey", "GroupRecords"),
        ["group-value"] = ("IGroupValue", "GroupRecords"),
        ["share-key"] = ("IShareKey", "ShareRecords"),
        ["share-value"] = ("IShareValue", "ShareRecords"),
        ["txn-key"] = ("ITransactionKey", "TransactionRecords"),
        ["txn-value"] = ("ITransactionValue", "TransactionRecords"),
    };

    public static string Interface(string family) =>
        ByName.TryGetValue(family, out var names) ? names.Interface : throw new SchemaException($"no family {family}");

    public static string Emit(IEnumerable<Head> heads)
    {
        var code = CodeWriter.ForFile("Milena.Protocol.Messages");
        foreach (var table in heads.Where(head => head.Family is not null).GroupBy(head => ByName[head.Family!].Table))
        {
            code.Open($"public static partial class {table.Key}");
            foreach (var family in table.GroupBy(head => head.Family!))
            {
                var what = family.Key.Contains('-') && family.Key != "remote-log" ? family.Key[(family.Key.IndexOf('-') + 1)..] : "body";
                var method = $"Read{char.ToUpperInvariant(what[0])}{what[1..]}OfType";
                code.Blank();
                code.Line("/// <summary>Null if there is no such type.</summary>");
                code.Open($"private static {Interface(family.Key)}? {method}(short type, ref MessageReader reader, short version) => type switch");
                foreach (var head in family)
                    code.Line($"{string.Join(" or ", head.Types)} => {head.Name}.Read(ref reader, version),");
                code.Line("_ => null,");
                code.Close("};");
            }
            code.Close();
            code.Blank();
        }
        return code.ToString();
    }
}
