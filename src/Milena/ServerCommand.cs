using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Milena.Broker;
using Milena.Logging;
using Milena.Metadata.Configs;
using Milena.Network;
using Milena.Storage;

namespace Milena;

/// <summary><c>milena server</c>: runs a broker until it is told to stop.</summary>
internal static class ServerCommand
{
    /// <summary>Gives the exit code: 0 after an orderly stop, 1 if the server could not start.</summary>
    internal static async Task<int> Run(CommandLine.Serve command)
    {
        var started = Stopwatch.GetTimestamp();
        using var loggers = new ConsoleLoggerFactory(
            Console.OpenStandardError(), LogFilter.Parse(Environment.GetEnvironmentVariable("MILENA_LOG")), TimeProvider.System);
        try
        {
            var reading = Configuration.Read(command);
            if (reading.Config is not { } config)
                return Fail(reading.Errors);
            Tell(loggers.CreateLogger("Milena.Configuration"), reading);
            using var stop = new StopSignals();
            return await Serve(config, loggers, started, stop);
        }
        catch (Exception failure) when (IsForTheUser(failure))
        {
            return Fail([failure.Message]);
        }
    }

    private static async Task<int> Serve(BrokerConfig config, ILoggerFactory loggers, long started, StopSignals stop)
    {
        await using var server = new BrokerServer(config, loggers, TimeProvider.System, Random.Shared);
        await server.StartAsync();
        Banner.Print(Console.Out, server, Stopwatch.GetElapsedTime(started));

        bool failed;
        await using (await MetricsExport.Start(config, server.Metrics, loggers)) // ends first, with what there is to send
            failed = await Task.WhenAny(stop.Requested, server.Failed) == server.Failed;
        await server.StopAsync();
        return failed ? Fail(["no log directory is left to work with"]) : 0;
    }

    private static void Tell(ILogger logger, ConfigReading reading)
    {
        if (reading.UnknownNames.Count > 0)
            Log.UnknownNames(logger, string.Join(", ", reading.UnknownNames));
        if (reading.UnusedNames.Count > 0)
            Log.UnusedNames(logger, string.Join(", ", reading.UnusedNames));
    }

    // What the user can mend: a port in use, a directory in use, a file that cannot be read. The rest is a bug and shows its stack.
    private static bool IsForTheUser(Exception failure) =>
        failure is BrokerStartException or ListenerException or LogDirectoryException or IOException or UnauthorizedAccessException;

    private static int Fail(IReadOnlyList<string> why)
    {
        foreach (var line in why)
            Console.Error.WriteLine($"milena: {line}");
        return 1;
    }
}
