using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>A client in another language, behind one of the drivers in <c>drivers/</c>.</summary>
internal sealed class ScriptClient(string name, string interpreter, string script) : KafkaClient
{
    public override string Name => name;

    /// <summary>The protocol version it is made to speak, for the client that can be made old.</summary>
    public string? ApiVersion { get; init; }

    public override async Task Produce(
        string bootstrap, IReadOnlyList<Record> records, IReadOnlyList<(string Topic, string Codec)> targets, bool isIdempotent = false)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(file, records.Select(record => record.Text));
            var (exitCode, output, errors) = await ChildProcess.Run(interpreter,
            [
                script, "produce", "--bootstrap", bootstrap, "--records", file,
                .. targets.SelectMany(target => new[] { "--to", $"{target.Topic}:{target.Codec}" }),
                .. isIdempotent ? ["--idempotent"] : Array.Empty<string>(),
                .. OldVersion,
            ]);
            Assert.True(exitCode == 0 && output.EndsWith('E'), $"{Name} could not produce: exit code {exitCode}\n{output}\n{errors}");
        }
        finally
        {
            File.Delete(file);
        }
    }

    public override Consumption Consume(string bootstrap, IReadOnlyList<string> topics, string? group = null, int? count = null)
    {
        MustHave(group);
        return new ProcessConsumption(Name, interpreter,
        [
            script, "consume", "--bootstrap", bootstrap, "--topics", string.Join(',', topics),
            .. group is null ? Array.Empty<string>() : ["--group", group],
            .. count is null ? Array.Empty<string>() : ["--count", $"{count}"],
            .. OldVersion,
        ]);
    }

    private string[] OldVersion => ApiVersion is null ? [] : ["--api-version", ApiVersion];

    private void MustHave(string? group)
    {
        if (group is null && !ReadsWithoutGroup)
            throw new InvalidOperationException($"{Name} has no consumer without a group");
    }
}
