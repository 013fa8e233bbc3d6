using Microsoft.Extensions.Logging;
using Milena.Metadata.Configs;

namespace Milena.Broker.Controllers;

/// <summary>What an active controller does without being asked: it fences brokers that have not been heard of for a session.</summary>
internal sealed class ControllerDuties : IDisposable
{
    // Kafka looks as often.
    private const int LooksPerSession = 4;

    private readonly ControllerService controller;
    private readonly BrokerLife ownBroker;
    private readonly ILogger<ControllerDuties> logger;
    private readonly ITimer timer;
    private int isLooking;

    /// <param name="controller">The controller.</param>
    /// <param name="ownBroker">The broker of the same process.</param>
    /// <param name="config">The node's configuration.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Brokers that are fenced, and faults.</param>
    public ControllerDuties(ControllerService controller, BrokerLife ownBroker, BrokerConfig config, TimeProvider time, ILogger<ControllerDuties> logger)
    {
        this.controller = controller;
        this.ownBroker = ownBroker;
        this.logger = logger;
        var period = TimeSpan.FromMilliseconds(Math.Max(config.GetInt("broker.session.timeout.ms") / LooksPerSession, 1));
        timer = time.CreateTimer(_ => _ = Look(), null, period, period);
    }

    public void Dispose() => timer.Dispose();

    private async Task Look()
    {
        if (Interlocked.Exchange(ref isLooking, 1) == 1)
            return; // the last look is not over
        try
        {
            // A process that was asleep, and its broker with it, must not take the broker for gone when both wake up.
            await ownBroker.Beat();
            while (await controller.Execute((decisions, image, context) => decisions.FenceStaleBroker(image, context), _ => null) is { } fenced)
            {
                controller.CountFenced();
                Log.BrokerFenced(logger, fenced);
            }
        }
        catch (Exception fault) // the edge of a loop
        {
            Log.DutiesFailed(logger, fault);
        }
        finally
        {
            Volatile.Write(ref isLooking, 0);
        }
    }
}
