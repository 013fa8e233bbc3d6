using System.Text.RegularExpressions;
using Confluent.Kafka.Admin;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>What a user sees at the command line: a banner, or one line that says what is wrong.</summary>
public sealed partial class StartUpTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("milena-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task The_banner_tells_endpoints_data_directory_cluster_id_and_time()
    {
        await using var broker = await BrokerProcess.Start();
        var banner = string.Join('\n', broker.Log);
        Assert.Contains($"PLAINTEXT://127.0.0.1:{broker.Port}", banner);
        Assert.Contains(broker.DataDirectory, banner);
        Assert.Matches(@"cluster [\w-]{22}\n", banner);
        Assert.Matches(@"Ready in \d+ ms", banner);
    }

    [Fact]
    public async Task The_cluster_stays_the_same_over_restarts()
    {
        await using var broker = await BrokerProcess.Start();
        Assert.Equal(0, await broker.Stop());
        await broker.StartAgain();
        await broker.Kill();
        await broker.StartAgain();
        Assert.Single(ClusterId().Matches(string.Join('\n', broker.Log)).Select(match => match.Value).Distinct());
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_1()
    {
        await using var broker = await BrokerProcess.Start();
        var error = await Fails("--override", $"listeners=PLAINTEXT://{broker.Bootstrap}", "--override", $"log.dirs={directory}/other");
        Assert.Contains($"{broker.Port}", error);
    }

    [Fact]
    public async Task A_directory_in_use_is_one_line_and_exit_code_1()
    {
        await using var broker = await BrokerProcess.Start();
        var error = await Fails("--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", $"log.dirs={broker.DataDirectory}");
        Assert.Contains(broker.DataDirectory, error);
    }

    [Theory]
    [InlineData("num.partitions=many")]
    [InlineData("log.segment.bytes=1")]
    [InlineData("listeners=9092")]
    [InlineData("log.flush.before.ack=perhaps")]
    public async Task A_wrong_value_is_one_line_that_names_it(string setting) =>
        Assert.Contains(setting.Split('=')[0], await Fails("--override", $"log.dirs={directory}/data", "--override", setting));

    [Theory]
    [InlineData("listeners=PLAINTEXT://127.0.0.1:0,SSL://127.0.0.1:0", "SSL")]
    [InlineData("listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT", "SASL_PLAINTEXT")]
    public async Task A_listener_that_asks_for_protection_is_not_opened_without_it(string setting, string protocol) =>
        Assert.Contains($"asks for {protocol}", await Fails("--override", $"log.dirs={directory}/data", "--override", setting));

    [Fact]
    public async Task A_file_that_is_not_there_is_one_line_that_names_it() =>
        Assert.Contains("nowhere.properties", await Fails("server", "nowhere.properties"));

    [Fact]
    public async Task A_data_directory_that_is_a_file_is_one_line_that_names_it()
    {
        var file = Path.Combine(directory, "file");
        await File.WriteAllTextAsync(file, "");
        Assert.Contains(file, await Fails("--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", $"log.dirs={file}"));
    }

    [Fact]
    public async Task A_wrong_option_is_one_line_that_names_it() => Assert.Contains("--frobnicate", await Fails("--frobnicate"));

    [Fact]
    public async Task Version_and_help_are_told()
    {
        Assert.Equal((0, "milena 0.1.0", ""), await Run(["--version"]));
        var (exitCode, output, _) = await Run(["--help"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("--override", output);
    }

    [Fact]
    public async Task An_override_counts_before_the_environment_and_that_before_the_file()
    {
        await WriteFile("num.partitions=2\nlog.retention.hours=1\nmessage.max.bytes=1000000");
        var environment = new Dictionary<string, string> { ["KAFKA_NUM_PARTITIONS"] = "3", ["KAFKA_LOG_RETENTION_HOURS"] = "2" };
        await using var server = await Started(["server.properties", "--override", "num.partitions=4"], environment);

        Assert.Equal("4", await server.Told("num.partitions"));
        Assert.Equal("2", await server.Told("log.retention.hours"));
        Assert.Equal("1000000", await server.Told("message.max.bytes"));
    }

    [Fact]
    public async Task Data_goes_into_the_folder_data_where_nothing_is_said()
    {
        await using var server = await Started([]);
        Assert.True(File.Exists(Path.Combine(directory, "data", "meta.properties")));
    }

    [Fact]
    public async Task Settings_that_do_nothing_are_said_once()
    {
        await using var server = await Started(["--override", "num.replica.fetchers=2", "--override", "no.such.name=1"]);
        var log = string.Join('\n', server.ErrorLines);
        Assert.Single(Regex.Matches(log, "num.replica.fetchers"));
        Assert.Single(Regex.Matches(log, "no.such.name"));
    }

    [Fact]
    public async Task The_log_is_quiet()
    {
        await using var broker = await BrokerProcess.Start();
        var flights = Flights.Some(1000, keyed: true);
        await broker.CreateTopics(partitions: 4, "flights");
        var before = broker.Log.Count;
        await AllClients.Dotnet.Produce(broker.Bootstrap, "flights", flights);
        await AllClients.Dotnet.Read(broker.Bootstrap, ["flights"], flights.Count);
        Assert.Empty(broker.Log.Skip(before));
    }

    [Fact]
    public async Task Several_listeners_are_told_each_to_its_own_clients()
    {
        var (inner, outer) = (BrokerProcess.FreePort(), BrokerProcess.FreePort());
        await using var broker = await BrokerProcess.Start(
            ("listeners", $"INNER://127.0.0.1:{inner},OUTER://127.0.0.1:{outer}"),
            ("advertised.listeners", $"INNER://127.0.0.1:{inner},OUTER://localhost:{outer}"),
            ("listener.security.protocol.map", "INNER:PLAINTEXT,OUTER:PLAINTEXT"),
            ("inter.broker.listener.name", "INNER"));
        Assert.Equal(("127.0.0.1", inner), Told(inner));
        Assert.Equal(("localhost", outer), Told(outer));

        static (string Host, int Port) Told(int port)
        {
            using var admin = new Confluent.Kafka.AdminClientBuilder(
                new Confluent.Kafka.AdminClientConfig { BootstrapServers = $"127.0.0.1:{port}" }).Build();
            var broker = admin.GetMetadata(Deadline.Default).Brokers.Single();
            return (broker.Host, broker.Port);
        }
    }

    [GeneratedRegex(@"cluster [\w-]{22}")]
    private static partial Regex ClusterId();

    private Task WriteFile(string text) => File.WriteAllTextAsync(Path.Combine(directory, "server.properties"), text);

    private async Task<(int ExitCode, string Output, string Errors)> Run(string[] arguments) =>
        await ChildProcess.Run(Executable.Path, arguments, directory: directory);

    private async Task<string> Fails(params string[] arguments)
    {
        var (exitCode, output, errors) = await Run(arguments);
        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        // A log may have begun; of what is wrong there is one line, the last.
        var line = Assert.Single(errors.Split('\n'), line => line.StartsWith("milena: ", StringComparison.Ordinal));
        Assert.EndsWith(line, errors);
        return line;
    }

    /// <summary>A server started by the given arguments alone, but for its port.</summary>
    private async Task<Server> Started(string[] arguments, Dictionary<string, string>? environment = null)
    {
        var server = new Server(BrokerProcess.FreePort());
        await server.Start([.. arguments, "--override", $"listeners=PLAINTEXT://127.0.0.1:{server.Port}"], environment, directory);
        return server;
    }

    private sealed class Server(int port) : IAsyncDisposable
    {
        private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ChildProcess? process;

        public int Port => port;

        public IReadOnlyList<string> ErrorLines => process!.ErrorLines;

        public async Task Start(string[] arguments, Dictionary<string, string>? environment, string directory)
        {
            process = ChildProcess.Start("milena", Executable.Path, arguments, OnLine, environment: environment, directory: directory);
            await Task.WhenAny(ready.Task, process.Ended).WaitAsync(Deadline.Default);
            Assert.True(ready.Task.IsCompleted, string.Join('\n', process.ErrorLines));
        }

        public async Task<string> Told(string name)
        {
            using var admin = new Confluent.Kafka.AdminClientBuilder(
                new Confluent.Kafka.AdminClientConfig { BootstrapServers = $"127.0.0.1:{port}" }).Build();
            var node = admin.GetMetadata(Deadline.Default).Brokers.Single().BrokerId;
            var told = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Broker, Name = $"{node}" }]);
            return told.Single().Entries[name].Value;
        }

        public ValueTask DisposeAsync() => process!.DisposeAsync();

        private void OnLine(string line)
        {
            if (line.StartsWith("Ready in ", StringComparison.Ordinal))
                ready.TrySetResult();
        }
    }
}
