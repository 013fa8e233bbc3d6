using Microsoft.Extensions.Logging;

namespace Milena.Broker;

/// <summary>How long each step of a start takes, for whoever wants to know.</summary>
internal sealed class StartSteps(ILogger logger, TimeProvider time)
{
    private long since = time.GetTimestamp();

    public void Done(string step)
    {
        Log.StartStep(logger, step, time.GetElapsedTime(since).TotalMilliseconds);
        since = time.GetTimestamp();
    }
}
