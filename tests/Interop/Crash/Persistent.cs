using System.Diagnostics;
using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.Crash;

/// <summary>What clients do about errors that pass.</summary>
internal static class Persistent
{
    /// <summary>For all that goes on while the broker dies and comes back.</summary>
    private static readonly TimeSpan Patience = Deadline.Default;

    /// <summary>Clients say at length that the broker is away, which is no news here.</summary>
    public static void Ignore(IClient client, LogMessage message)
    {
    }

    /// <summary>Calls until it succeeds, as long as the error is one after which the same call may be made again.</summary>
    public static T Call<T>(Func<T> call)
    {
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                return call();
            }
            catch (KafkaException e) when (MayPass(e) && Stopwatch.GetElapsedTime(started) < Patience)
            {
            }
        }
    }

    /// <inheritdoc cref="Call{T}"/>
    public static void Call(Action call) => Call(() =>
    {
        call();
        return true;
    });

    /// <summary>Says what somebody was doing who did not end in time.</summary>
    public static async Task OrTell(this Task task, Func<string> doing)
    {
        try
        {
            await task;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(doing());
        }
    }

    /// <summary>Waits for a loop that has been told to stop; what made it fail is for whoever stops it in order.</summary>
    public static void Ends(Task loop) => Task.WhenAny(loop, Task.Delay(Deadline.Default)).Wait();

    private static bool MayPass(KafkaException e) => e is KafkaRetriableException
        || e.Error.Code is ErrorCode.Local_TimedOut or ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_WaitCoord
            or ErrorCode.NotCoordinatorForGroup or ErrorCode.GroupCoordinatorNotAvailable or ErrorCode.GroupLoadInProgress
            or ErrorCode.RequestTimedOut or ErrorCode.NetworkException;
}
