using FsCheck.Xunit;
using Milena.Metadata.Configs;

namespace Milena.Metadata.Tests.Configs;

public class PropertiesTextTests
{
    [Theory]
    [InlineData("a=b", "a", "b")]
    [InlineData("a:b", "a", "b")]
    [InlineData("a b", "a", "b")]
    [InlineData("  a \t=  b c ", "a", "b c ")]
    [InlineData("a", "a", "")]
    [InlineData("a==b", "a", "=b")]
    [InlineData("a\\=b=c", "a=b", "c")]
    [InlineData("a\\ b=c", "a b", "c")]
    [InlineData("a=b\\\n   c", "a", "bc")]
    [InlineData("a=b\\\r\n\tc", "a", "bc")]
    [InlineData("a=b\\\\", "a", "b\\")]
    [InlineData("a=b\\", "a", "b")]
    [InlineData("a=\\t\\n\\r\\f\\q\\u0041", "a", "\t\n\r\fqA")]
    [InlineData("a=\\u00", "a", "u00")]
    [InlineData("a=C:\\\\logs", "a", "C:\\logs")]
    [InlineData("listeners=PLAINTEXT://:9092,CONTROLLER://:9093", "listeners", "PLAINTEXT://:9092,CONTROLLER://:9093")]
    public void A_line_gives_a_name_and_a_value(string text, string name, string value) =>
        Assert.Equal([new KeyValuePair<string, string>(name, value)], PropertiesText.Read(text));

    [Fact]
    public void Comments_and_empty_lines_are_skipped_and_all_line_ends_count() =>
        Assert.Equal(
            [new("a", "1"), new("b", "2"), new("c", "3"), new("a", "4")],
            PropertiesText.Read("# x=y\n ! z\n\n \t \na=1\r\nb=2\rc=3\na=4"));

    [Fact]
    public void A_continuation_that_looks_like_a_comment_is_none() =>
        Assert.Equal([new KeyValuePair<string, string>("a", "b#c")], PropertiesText.Read("a=b\\\n#c"));

    [Property]
    public bool What_is_written_is_read_back(string name, string value)
    {
        (name, value) = (name ?? "", value ?? "");
        return PropertiesText.Read(PropertiesText.Line(name, value)) is [var read] && read.Key == name && read.Value == value
            || name == "" && PropertiesText.Read(PropertiesText.Line(name, value)) is [{ Key: "" }];
    }

    [Property]
    public bool No_text_is_wrong(string text) => PropertiesText.Read(text ?? "").Count >= 0;
}
