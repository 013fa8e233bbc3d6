namespace Milena.Storage.Tests.Compaction;

/// <summary>
/// Random logs, compacted at random moments: a consumer that reads from the start sees the last value of each key, whatever the codecs,
/// transactions, segments, clocks and sizes of buffers were; what <see cref="CompactedLog.Check"/> names is always true.
/// </summary>
public class CompactionPropertyTests
{
    private const int Steps = 80;

    [Fact]
    public void After_any_number_of_passes_the_last_value_of_each_key_is_there()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            try
            {
                Live(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    private static void Live(int seed)
    {
        var random = new Random(seed);
        using var life = new CompactedLog(seed);
        for (var step = 0; step < Steps; step++)
        {
            switch (random.Next(16))
            {
                case < 11:
                    life.Append();
                    break;
                case 11:
                    life.PassTime();
                    break;
                case 12:
                    life.Logs.Restart();
                    life.Log.AdvanceHighWatermark(life.Log.LogEndOffset);
                    life.Check();
                    break;
                case 13:
                    life.Logs.Crash();
                    life.Log.AdvanceHighWatermark(life.Log.LogEndOffset);
                    life.Check();
                    break;
                default:
                    life.Clean();
                    break;
            }

            life.Log.BackgroundFlush.GetAwaiter().GetResult(); // so that a seed tells the same story each time
        }

        life.EndAll();
        life.Clean();
        life.Check();
    }
}
