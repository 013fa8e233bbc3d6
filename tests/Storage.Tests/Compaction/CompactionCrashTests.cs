using Milena.Protocol;

namespace Milena.Storage.Tests.Compaction;

/// <summary>
/// The process is killed, or the power cut, or the disk refuses, at each operation of a pass in turn. After the next start the log says
/// the same as before, and can be compacted again.
/// </summary>
public class CompactionCrashTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pass_may_be_cut_short_at_any_operation(bool powerCut)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var operations = CountOperations(seed);
            Assert.True(operations > 20);
            for (var last = 0; last <= operations; last += powerCut || seed > 0 ? 1 + (seed % 3) : 1)
            {
                try
                {
                    CutShort(seed, last, powerCut);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}, operation {last} of {operations}", e);
                }
            }
        }
    }

    private static int CountOperations(int seed)
    {
        using var life = Prepared(seed);
        var count = 0;
        life.Logs.Disk.Fault = (_, _) =>
        {
            Interlocked.Increment(ref count);
            return null;
        };
        Assert.True(life.Logs.Clean() > 0);
        life.Logs.Disk.Fault = null;
        return count;
    }

    private static void CutShort(int seed, int operations, bool powerCut)
    {
        using var life = Prepared(seed);
        var left = operations;
        var wasRefused = false;
        life.Logs.Disk.Fault = (_, _) =>
        {
            if (Interlocked.Decrement(ref left) >= 0)
                return null;
            wasRefused = true;
            return new IOException("no space left");
        };
        life.Logs.Disk.PartOfFailedWrite = count => count / 2;
        life.Logs.Clean();
        Assert.Equal(wasRefused, life.Log.IsOffline);
        life.Logs.Disk.Fault = null;
        life.Logs.Crash(new Random(seed + operations), powerCut);

        var names = life.Logs.Disk.Contents.Keys.Where(path => path.EndsWith(".cleaned", StringComparison.Ordinal) || path.EndsWith(".swap", StringComparison.Ordinal));
        Assert.Empty(names);
        life.Log.AdvanceHighWatermark(life.Log.LogEndOffset);
        life.Check();
        life.Append();
        life.Clean();
        life.Check();
        life.Logs.Restart();
        life.Log.AdvanceHighWatermark(life.Log.LogEndOffset);
        life.Check();
    }

    // Everything is synced, so what a power cut may take is only what the pass does.
    private static CompactedLog Prepared(int seed)
    {
        var life = new CompactedLog(seed, config => config with { MinCompactionLagMs = 0, MinCleanableDirtyRatio = 0.01 });
        for (var i = 0; i < 60; i++)
        {
            if (i == 30)
                life.Clean();
            life.PassTime();
            life.Append();
        }

        life.EndAll();
        life.PassTime();
        Assert.Equal(ErrorCode.None, life.Log.FlushAsync(life.Log.LogEndOffset).AsTask().GetAwaiter().GetResult());
        life.Log.BackgroundFlush.GetAwaiter().GetResult();
        return life;
    }
}
