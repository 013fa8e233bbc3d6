using System.Runtime.InteropServices;

namespace Milena;

/// <summary>
/// The signals that ask a server to stop (SIGTERM, SIGINT, SIGHUP). The first is a request; a second one ends the process
/// at once, for a user who will not wait.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource requested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] registrations;

    public StopSignals() =>
        registrations = [Register(PosixSignal.SIGTERM, 15), Register(PosixSignal.SIGINT, 2), Register(PosixSignal.SIGHUP, 1)];

    /// <summary>Done once a signal has come.</summary>
    public Task Requested => requested.Task;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int number) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (!requested.TrySetResult())
                Environment.Exit(128 + number); // as a shell shows a program that died of this signal
        });
}
