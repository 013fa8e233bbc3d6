namespace Milena.ProtocolGenerator;

/// <summary>
/// Gives each field its struct and narrows its versions to those of its parent, so that what emits code has no rule of
/// the grammar left to apply.
/// </summary>
internal static class SchemaResolver
{
    public static void Resolve(Head head)
    {
        var byName = new Dictionary<string, Struct>();
        foreach (var item in head.Structs)
        {
            if (!byName.TryAdd(item.Name, item))
                throw new SchemaException($"{head.Name} has two structs {item.Name}");
        }
        var resolved = new HashSet<Struct>();
        ResolveFields(head.Body);
        foreach (var common in head.Structs)
            ResolveFields(common);
        NameClasses(head);
        foreach (var item in head.Structs.Prepend(head.Body))
            MarkDefaults(item);

        void ResolveFields(Struct parent)
        {
            if (!resolved.Add(parent))
                return;
            foreach (var field in parent.Fields)
            {
                field.Versions = field.Versions.Intersect(parent.Versions);
                field.Nullable = field.Nullable.Intersect(field.Versions);
                field.Tagged = field.Tagged.Intersect(field.Versions);
                if (!head.Flexible.Covers(field.Tagged))
                    throw new SchemaException($"{field.Name} is tagged in versions that are not flexible");
                if (SchemaParser.Primitives.Contains(field.TypeName))
                    continue;
                if (field.Struct is null)
                    field.Struct = byName.GetValueOrDefault(field.TypeName) ?? throw new SchemaException($"no struct {field.TypeName}");
                else
                    field.Struct.Versions = field.Versions;
                field.Struct.IsElement |= field.IsArray;
                ResolveFields(field.Struct);
            }
        }
    }

    /// <summary>
    /// A class cannot hold a property and a nested class of one name, nor a property of its own: there the nested class is
    /// called ...Data.
    /// </summary>
    private static void NameClasses(Head head)
    {
        foreach (var item in head.Structs)
        {
            if (head.Body.Fields.Concat(item.Fields).Any(field => field.PropertyName == item.Name))
                item.ClassName = item.Name + "Data";
        }
        var taken = head.Structs.Select(item => item.ClassName).Concat(head.Body.Fields.Select(field => field.PropertyName));
        if (taken.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new SchemaException($"{head.Name} has two members {twice.Key}");
    }

    private static void MarkDefaults(Struct parent)
    {
        foreach (var field in parent.Fields.Where(field => field is { Struct: not null, IsArray: false }))
        {
            if (field.Tag is not null || (!field.IsIgnorable && !field.Versions.Covers(parent.Versions)))
                MarkAll(field.Struct!);
        }

        static void MarkAll(Struct item)
        {
            item.NeedsIsDefault = true;
            foreach (var field in item.Fields.Where(field => field is { Struct: not null, IsArray: false }))
                MarkAll(field.Struct!);
        }
    }
}
