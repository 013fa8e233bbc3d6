using System.Runtime.InteropServices;

namespace Milena.Storage;

/// <summary>
/// Work that nobody waits for takes the processor's time only where little else wants it. The priorities of the base library do nothing
/// on Linux, where each thread has a niceness of its own.
/// </summary>
internal static class LowPriority
{
    private const int ByProcessOrThread = 0;
    private const int ThisThread = 0;
    private const int Niceness = 10; // a tenth of what a thread of 0 gets beside it

    /// <summary>Makes the thread that calls it a modest one. Elsewhere than on Linux it does nothing.</summary>
    public static void Take()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(ByProcessOrThread, ThisThread, Niceness); // if it is refused, the thread is as good as any other
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    private static extern int SetPriority(int which, int who, int priority);
}
