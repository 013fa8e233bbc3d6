using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Milena.Logging;

namespace Milena.Tests;

public class ConsoleLoggerTests
{
    private static readonly FakeTimeProvider Time = new(new DateTimeOffset(2026, 5, 4, 3, 2, 1, 42, TimeSpan.Zero));

    [Fact]
    public void An_event_is_one_line_of_time_level_category_and_message() =>
        Assert.Equal("2026-05-04T03:02:01.042Z INFO  Storage.LogManager: Opened 3 logs\n", Logged("Milena.Storage.LogManager", logger =>
            logger.LogInformation("Opened {Count} logs", 3)));

    [Fact]
    public void Quiet_by_default() => Assert.Empty(Logged("Milena.Network", logger => logger.LogDebug("detail")));

    [Fact]
    public void What_a_peer_calls_itself_cannot_write_a_line_of_its_own() =>
        Assert.Equal("2026-05-04T03:02:01.042Z WARN  x: client a 2026 ERROR fake\n", Logged("x", logger =>
            logger.LogWarning("client {Name}", "a\n2026 ERROR fake")));

    [Fact]
    public void A_warning_has_the_exceptions_message_and_no_stack() =>
        Assert.Equal("2026-05-04T03:02:01.042Z WARN  x: it failed | IOException: no space\n", Logged("x", logger =>
            logger.LogWarning(new IOException("no space"), "it failed")));

    [Fact]
    public void An_error_has_the_stack_indented_below_it()
    {
        var lines = Logged("x", logger => logger.LogError(Thrown(), "it failed")).TrimEnd('\n').Split('\n');
        Assert.Equal("2026-05-04T03:02:01.042Z ERROR x: it failed | InvalidOperationException: a bug", lines[0]);
        Assert.Contains(lines[1..], line => line.Contains(nameof(Thrown)));
        Assert.All(lines[1..], line => Assert.StartsWith("    ", line));
    }

    [Theory]
    [InlineData(null, "Milena.Network", LogLevel.Information)]
    [InlineData("warning", "Milena.Network", LogLevel.Warning)]
    [InlineData("nonsense", "Milena.Network", LogLevel.Information)]
    [InlineData("error,Milena.Network=Debug", "Milena.Network.Server", LogLevel.Debug)]
    [InlineData("error,Milena.Network=Debug", "Milena.Storage", LogLevel.Error)]
    [InlineData("Milena.Network=debug,Milena=none", "Milena.Network", LogLevel.Debug)]
    public void The_longest_prefix_that_fits_sets_the_level(string? filter, string category, LogLevel least) =>
        Assert.Equal(least, LogFilter.Parse(filter).LeastLevel(category));

    [Fact]
    public void A_level_that_is_set_holds_at_once_for_the_logger_and_those_below_it()
    {
        using var output = new MemoryStream();
        using var factory = new ConsoleLoggerFactory(output, LogFilter.Parse("Milena.Network=error"), Time);
        var (parent, child, other) = (factory.CreateLogger("Milena.Storage"), factory.CreateLogger("Milena.Storage.Log"), factory.CreateLogger("Milena.StorageElse"));
        var network = factory.CreateLogger("Milena.Network.FrameServer");
        Assert.Equal(
            [("Milena.Network.FrameServer", LogLevel.Error), ("Milena.Storage", LogLevel.Information), ("Milena.Storage.Log", LogLevel.Information),
                ("Milena.StorageElse", LogLevel.Information), ("root", LogLevel.Information)],
            factory.Levels.OrderBy(level => level.Key, StringComparer.Ordinal).Select(level => (level.Key, level.Value)));

        factory.Set("Milena.Storage", LogLevel.Trace);
        Assert.Equal((true, true, false), (parent.IsEnabled(LogLevel.Trace), child.IsEnabled(LogLevel.Trace), other.IsEnabled(LogLevel.Trace)));
        factory.Set("root", LogLevel.Critical);
        Assert.Equal((true, false), (child.IsEnabled(LogLevel.Debug), other.IsEnabled(LogLevel.Error)));
        Assert.True(network.IsEnabled(LogLevel.Error)); // what the start said of it is nearer
        factory.Set("Milena.Storage", null);
        Assert.Equal((false, LogLevel.Critical), (child.IsEnabled(LogLevel.Error), factory.Levels["root"]));
        Assert.False(factory.CreateLogger("Milena.Later").IsEnabled(LogLevel.Error));
        factory.Set("root", LogLevel.None);
        Assert.False(other.IsEnabled(LogLevel.Critical));
    }

    private static string Logged(string category, Action<ILogger> write)
    {
        using var output = new MemoryStream();
        using (var factory = new ConsoleLoggerFactory(output, LogFilter.Parse(null), Time))
            write(factory.CreateLogger(category));
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("a bug");
        }
        catch (InvalidOperationException bug)
        {
            return bug;
        }
    }
}
