using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Administration;

/// <summary>The levels of a broker's loggers, as configurations of type BROKER_LOGGER (KIP-412).</summary>
public sealed class LoggerTests : IAsyncLifetime, IDisposable
{
    private const sbyte Set = 0;
    private const sbyte Delete = 1;
    private const sbyte Append = 2;

    private readonly TempDirectory directory = new();
    private readonly Levels levels = new();
    private BrokerServer? server;
    private TestClient? client;

    public async ValueTask InitializeAsync()
    {
        server = new BrokerServer(TestBroker.Config(directory.Path), levels, new FakeTimeProvider(), new SharedRandom(1));
        await server.StartAsync();
        client = new TestClient(server.Connect(TestBroker.Listener), "tests");
    }

    public async ValueTask DisposeAsync()
    {
        await client!.DisposeAsync();
        await server!.StopAsync();
    }

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task All_loggers_are_told_with_their_levels()
    {
        var described = await Describe();
        Assert.Equal(ErrorCode.None, described.ErrorCode);
        Assert.Contains(described.Configs, config => (config.Name, config.Value, config.ConfigSource, config.ReadOnly) == ("root", "INFO", 6, false));
        Assert.Contains(described.Configs, config => config.Name == "Milena.Broker.BrokerServer");
        Assert.Equal("root", Assert.Single((await Describe("1", "root", "no.such")).Configs).Name);
    }

    [Fact]
    public async Task A_level_is_set_and_taken_away_at_once()
    {
        Assert.Equal(ErrorCode.None, await Alter(("Milena.Broker.BrokerServer", Set, "TRACE"), ("root", Set, "WARN")));
        Assert.Equal((LogLevel.Trace, LogLevel.Warning), (levels.Set["Milena.Broker.BrokerServer"], levels.Set["root"]));
        Assert.Equal("TRACE", Assert.Single((await Describe("1", "Milena.Broker.BrokerServer")).Configs).Value);
        Assert.Equal(ErrorCode.None, await Alter(("Milena.Broker.BrokerServer", Delete, null)));
        Assert.DoesNotContain("Milena.Broker.BrokerServer", levels.Set.Keys);
    }

    [Theory]
    [InlineData("no.such.logger", Set, "INFO", ErrorCode.InvalidConfig)]
    [InlineData("no.such.logger", Delete, null, ErrorCode.InvalidConfig)]
    [InlineData("root", Delete, null, ErrorCode.InvalidRequest)]
    [InlineData("root", Set, "LOUD", ErrorCode.InvalidConfig)]
    [InlineData("root", Set, "info", ErrorCode.InvalidConfig)]
    [InlineData("root", Set, null, ErrorCode.InvalidConfig)]
    [InlineData("root", Append, "INFO", ErrorCode.InvalidRequest)]
    [InlineData("root", (sbyte)9, "INFO", ErrorCode.InvalidRequest)]
    public async Task What_cannot_be_is_refused_and_nothing_of_the_request_is_done(string logger, sbyte operation, string? level, ErrorCode error)
    {
        Assert.Equal(error, await Alter(("Milena.Broker.BrokerServer", Set, "TRACE"), (logger, operation, level)));
        Assert.Empty(levels.Set);
    }

    [Fact]
    public async Task Another_brokers_loggers_are_not_known_here()
    {
        Assert.Equal(ErrorCode.InvalidRequest, (await Describe("2")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await Describe("")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, await Alter("2", false, ("root", Set, "DEBUG")));
        Assert.Equal(ErrorCode.InvalidRequest, await Alter("", false, ("root", Set, "DEBUG")));
        Assert.Empty(levels.Set);
    }

    [Fact]
    public async Task Who_only_tries_changes_nothing_and_the_old_way_of_altering_is_refused()
    {
        Assert.Equal(ErrorCode.None, await Alter("1", true, ("root", Set, "DEBUG")));
        Assert.Equal(ErrorCode.InvalidConfig, await Alter("1", true, ("root", Set, "LOUD")));
        var old = await client!.Send(new AlterConfigsRequest
        {
            Resources = [new() { ResourceType = 8, ResourceName = "1", Configs = [new() { Name = "root", Value = "DEBUG" }] }],
        });
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(old.Responses).ErrorCode);
        Assert.Empty(levels.Set);
    }

    private async Task<DescribeConfigsResponse.DescribeConfigsResult> Describe(string broker = "1", params string[] names)
    {
        var response = await client!.Send(new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = 8, ResourceName = broker, ConfigurationKeys = names.Length == 0 ? null : names }],
        });
        return Assert.Single(response.Results);
    }

    private Task<ErrorCode> Alter(params (string, sbyte, string?)[] changes) => Alter("1", false, changes);

    private async Task<ErrorCode> Alter(string broker, bool validateOnly, params (string Logger, sbyte Operation, string? Level)[] changes)
    {
        var response = await client!.Send(new IncrementalAlterConfigsRequest
        {
            ValidateOnly = validateOnly,
            Resources =
            [
                new()
                {
                    ResourceType = 8,
                    ResourceName = broker,
                    Configs = [.. changes.Select(change => new IncrementalAlterConfigsRequest.AlterableConfig
                    {
                        Name = change.Logger, ConfigOperation = change.Operation, Value = change.Level,
                    })],
                },
            ],
        });
        return Assert.Single(response.Responses).ErrorCode;
    }

    /// <summary>Loggers that say nothing, and remember their levels.</summary>
    private sealed class Levels : ILoggerFactory, ILogLevels
    {
        private readonly ConcurrentDictionary<string, byte> names = new();

        public ConcurrentDictionary<string, LogLevel> Set { get; } = new();

        IReadOnlyDictionary<string, LogLevel> ILogLevels.Levels =>
            names.Keys.Append(ILogLevels.Root).ToDictionary(name => name, name => Set.GetValueOrDefault(name, LogLevel.Information));

        void ILogLevels.Set(string logger, LogLevel? level)
        {
            if (level is { } value)
                Set[logger] = value;
            else
                Set.TryRemove(logger, out _);
        }

        public ILogger CreateLogger(string categoryName)
        {
            names.TryAdd(categoryName, 0);
            return NullLogger.Instance;
        }

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
