using Milena;

return CommandLine.Parse(args) switch
{
    CommandLine.Serve serve => await ServerCommand.Run(serve),
    CommandLine.Answer answer => Say(Console.Out, answer.Text, exitCode: 0),
    CommandLine.Wrong wrong => Say(Console.Error, $"milena: {wrong.Why} (milena --help tells how)", exitCode: 1),
    var other => throw new InvalidOperationException($"unknown command {other}"),
};

static int Say(TextWriter to, string text, int exitCode)
{
    to.WriteLine(text);
    return exitCode;
}
