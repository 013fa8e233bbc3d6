namespace Milena.Tests;

public class CommandLineTests
{
    [Theory]
    [InlineData()]
    [InlineData("server")]
    public void Nothing_said_is_a_server_by_its_defaults(params string[] arguments)
    {
        var serve = Assert.IsType<CommandLine.Serve>(CommandLine.Parse(arguments));
        Assert.Null(serve.PropertiesFile);
        Assert.Empty(serve.Overrides);
    }

    [Theory]
    [InlineData("my.properties", "--override", "a=1", "--override", "b= x=y ")]
    [InlineData("server", "--override", "a=1", "my.properties", "--override", "b=x=y")]
    public void A_file_and_overrides_come_in_any_order(params string[] arguments)
    {
        var serve = Assert.IsType<CommandLine.Serve>(CommandLine.Parse(arguments));
        Assert.Equal("my.properties", serve.PropertiesFile);
        Assert.Equal([new("a", "1"), new("b", "x=y")], serve.Overrides);
    }

    [Fact]
    public void An_override_may_set_nothing() =>
        Assert.Equal([new("a", "")], Assert.IsType<CommandLine.Serve>(CommandLine.Parse(["--override", "a="])).Overrides);

    [Theory]
    [InlineData("--override")]
    [InlineData("--override", "=x")]
    [InlineData("--override", "name")]
    [InlineData("--frobnicate")]
    [InlineData("one.properties", "two.properties")]
    [InlineData("server", "server.properties", "server")]
    public void What_makes_no_sense_is_refused(params string[] arguments) =>
        Assert.IsType<CommandLine.Wrong>(CommandLine.Parse(arguments));

    [Fact]
    public void Version_and_help_are_answers()
    {
        Assert.Equal("milena 0.1.0", Assert.IsType<CommandLine.Answer>(CommandLine.Parse(["--version"])).Text);
        Assert.StartsWith("Usage: milena", Assert.IsType<CommandLine.Answer>(CommandLine.Parse(["server", "--help"])).Text);
    }
}
