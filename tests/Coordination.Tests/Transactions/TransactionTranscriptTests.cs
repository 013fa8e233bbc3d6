namespace Milena.Coordination.Tests.Transactions;

public class TransactionTranscriptTests
{
    public static TheoryData<string> Stories =>
        [.. Directory.GetFiles(TransactionTranscript.Folder(), "*.txt").Select(path => Path.GetFileName(path)).Order()];

    /// <summary>With MILENA_ACCEPT=1 the files are rewritten with what happens now; read the difference before keeping it.</summary>
    [Theory]
    [MemberData(nameof(Stories))]
    public void A_story_goes_as_it_is_told(string file)
    {
        var path = Path.Combine(TransactionTranscript.Folder(), file);
        var story = File.ReadAllText(path);

        var told = TransactionTranscript.Run(story);

        if (Environment.GetEnvironmentVariable("MILENA_ACCEPT") == "1")
            File.WriteAllText(path, told);
        else
            Assert.Equal(story, told);
    }
}
