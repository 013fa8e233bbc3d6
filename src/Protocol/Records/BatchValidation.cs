namespace Milena.Protocol.Records;

/// <summary>A record that a batch is refused for.</summary>
/// <param name="BatchIndex">The record's index within its batch.</param>
/// <param name="Message">What is wrong with it, for the user.</param>
public readonly record struct RecordFault(int BatchIndex, string Message);

/// <summary>
/// What the validation of a produced batch found, and the bytes to append. The bytes are the client's own, unless the batch had to
/// be rewritten: then they lie in pooled buffers that <see cref="Dispose"/> returns, so append first.
/// </summary>
public readonly struct BatchValidation : IDisposable
{
    private readonly IDisposable? owner;

    private BatchValidation(
        ErrorCode error, string? message, IReadOnlyList<RecordFault> faults, Memory<byte> batch, IDisposable? owner, long logAppendTimeMs)
    {
        Error = error;
        Message = message;
        RecordFaults = faults;
        Batch = batch;
        LogAppendTimeMs = logAppendTimeMs;
        this.owner = owner;
    }

    /// <summary><see cref="ErrorCode.None"/>, or why the batch is refused.</summary>
    public ErrorCode Error { get; }

    /// <summary>What is wrong, for the user; null if nothing is.</summary>
    public string? Message { get; }

    /// <summary>
    /// The records that are at fault, or none if it is not for single records. No more than <see cref="BatchValidator.RecordFaultsMax"/>.
    /// </summary>
    public IReadOnlyList<RecordFault> RecordFaults { get; }

    /// <summary>The one batch to append, of magic 2, with base offset 0 and no leader epoch yet. Empty on an error.</summary>
    public Memory<byte> Batch { get; }

    /// <summary>True if the batch is not the client's bytes: another codec or an old format.</summary>
    public bool IsConverted => owner is not null;

    /// <summary>The time that all records got, ms, if the topic keeps the time of the append; -1 otherwise.</summary>
    public long LogAppendTimeMs { get; }

    /// <summary>Returns the buffers of a converted batch.</summary>
    public void Dispose() => owner?.Dispose();

    internal static BatchValidation Accepted(Memory<byte> batch, IDisposable? owner, long logAppendTimeMs) =>
        new(ErrorCode.None, null, [], batch, owner, logAppendTimeMs);

    internal static BatchValidation Refused(ErrorCode error, string message, IReadOnlyList<RecordFault>? faults = null) =>
        new(error, message, faults ?? [], default, null, -1);
}
