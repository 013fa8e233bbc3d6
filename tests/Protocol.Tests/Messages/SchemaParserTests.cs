using Milena.ProtocolGenerator;

namespace Milena.Protocol.Tests.Messages;

/// <summary>The grammar of schemas, and what it refuses.</summary>
public class SchemaParserTests
{
    [Fact]
    public void Fields_are_present_where_their_parents_are()
    {
        var head = Parse(
            "data Sample versions=1-5 flexible=3+",
            "  Outer []Item versions=2+",
            "    Inner   int32 versions=0-3",
            "    Tagged  int32 versions=3+ tag=0 tagged=3+",
            "  Shared Common versions=4+ nullable=5+ default=null",
            "  struct Common versions=2+",
            "    Value string");
        var item = head.Structs[0];
        Assert.Equal(new Versions(2, 5), item.Versions);
        Assert.Equal(new Versions(2, 3), item.Fields[0].Versions);
        Assert.Equal(new Versions(3, 5), item.Fields[1].Tagged);
        Assert.True(item.Fields[1].Untagged.IsEmpty);
        Assert.True(item.IsElement);
        Assert.Equal(new Versions(5, 5), head.Body.Fields[1].Nullable);
        Assert.Equal("Common", head.Body.Fields[1].Struct!.Name);
    }

    [Fact]
    public void A_class_with_the_name_of_a_property_is_renamed()
    {
        var head = Parse(
            "data Sample versions=0 flexible=none",
            "  Cursor Cursor",
            "    Value int32");
        Assert.Equal("CursorData", head.Structs[0].ClassName);
    }

    [Theory]
    [InlineData("message X versions=0")] // no such head
    [InlineData("data X flexible=none")] // no versions
    [InlineData("data X versions=zero flexible=none")]
    [InlineData("data X versions=0 flexible=none|  Field")] // no type
    [InlineData("data X versions=0 flexible=none|  Field Missing")] // no such struct
    [InlineData("data X versions=0 flexible=none|    Field int32")] // wrong indent
    [InlineData("data X versions=0 flexible=none|  Field int32|    Child int32")] // a primitive has no fields
    [InlineData("data X versions=0 flexible=none|  A S|    F int32|  B S|    F int32")] // two structs of one name
    [InlineData("data X versions=0 flexible=none|  Field int32 tag=0 tagged=0+")] // tagged, but not flexible
    public void What_is_not_in_the_grammar_stops_the_build(string lines)
    {
        var error = Assert.Throws<SchemaException>(() => Parse(lines.Split('|')));
        Assert.StartsWith("sample.kmsg(", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0+", "0-5", null)]
    [InlineData("3+", "0-5", "version >= 3")]
    [InlineData("0-3", "0-5", "version <= 3")]
    [InlineData("2-3", "0-5", "version is >= 2 and <= 3")]
    [InlineData("2", "0-5", "version == 2")]
    [InlineData("none", "0-5", "false")]
    public void Conditions_say_no_more_than_they_must(string versions, string within, string? condition) =>
        Assert.Equal(condition, Versions.Parse(versions).Condition(Versions.Parse(within)));

    private static Head Parse(params string[] lines) => SchemaParser.Parse("sample", lines).Heads.Single();
}
