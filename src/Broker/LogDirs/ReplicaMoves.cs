using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;
using Milena.Storage;

namespace Milena.Broker.LogDirs;

/// <summary>
/// Moves replicas from one log directory to another, some of each at a time, in the background. A move that a former process had begun
/// goes on.
/// </summary>
/// <remarks>
/// The controller is told when the replica has moved. Kafka tells it before: a process that dies in between then believes in a directory
/// in which the records are not.
/// </remarks>
/// <param name="logs">The logs.</param>
/// <param name="hasMoved">Told of each partition that has moved.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Moves that fail.</param>
internal sealed class ReplicaMoves(LogManager logs, Func<TopicPartition, Task> hasMoved, TimeProvider time, ILogger<ReplicaMoves> logger) : IAsyncDisposable
{
    private const int PieceBytes = 1 << 20;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private Task running = Task.CompletedTask;
    private bool isRunning;

    /// <summary><c>replica.alter.log.dirs.io.max.bytes.per.second</c>; may change at any time.</summary>
    public long BytesPerSecond { get; set; } = long.MaxValue;

    /// <summary>Begins to move a replica; see <see cref="LogManager.BeginMove"/>.</summary>
    public ErrorCode Begin(TopicPartition partition, string logDir)
    {
        var error = logs.BeginMove(partition, logDir);
        Wake();
        return error;
    }

    /// <summary>Goes on with what is under way, if anything is.</summary>
    public void Wake()
    {
        lock (gate)
        {
            if (isRunning || stopping.IsCancellationRequested || logs.Moves.Count == 0)
                return;
            isRunning = true;
            running = Task.Run(Run);
        }
    }

    /// <summary>Stops where it is; the next process goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            stopping.Cancel();
            last = running;
        }

        await last;
        stopping.Dispose();
    }

    private async Task Run()
    {
        try
        {
            while (!IsOver())
            {
                var isBusy = false;
                foreach (var move in logs.Moves)
                    isBusy |= await Advance(move);
                if (!isBusy)
                    await Task.Delay(Rest, time, stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // the node stops
        }
        catch (Exception fault) // the edge of a loop: whoever asks for a move begins it again
        {
            Log.MovesFailed(logger, fault);
            lock (gate)
                isRunning = false;
        }
    }

    private bool IsOver()
    {
        lock (gate)
        {
            stopping.Token.ThrowIfCancellationRequested();
            return !(isRunning = logs.Moves.Count > 0);
        }
    }

    // Returns whether there is reason to look again at once.
    private async Task<bool> Advance(LogMove move)
    {
        var rate = BytesPerSecond;
        if (rate == 0)
            return false; // for now
        var piece = (int)Math.Min(rate, PieceBytes);
        var copied = move.Copy(piece);
        if (move.Failure is { } failure)
        {
            Log.MoveFailed(logger, move.Log.Partition, move.LogDir, failure);
            logs.GiveUpMove(move);
            return true;
        }

        if (copied > 0 && rate < long.MaxValue)
            await Task.Delay(TimeSpan.FromSeconds(copied / (double)rate), time, stopping.Token);
        if (copied >= piece / 2)
            return true;
        if (!move.TryFinish())
            return copied > 0;
        await hasMoved(move.Log.Partition);
        return true;
    }
}
