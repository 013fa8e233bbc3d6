using System.Globalization;

namespace Milena.Protocol.Records;

/// <summary>Collects what is wrong with the single records of a batch.</summary>
internal sealed class RecordFaults(BatchRules rules, long nowMs)
{
    private readonly List<RecordFault> faults = [];
    private bool onlyTimestamps = true;

    internal bool Any => faults.Count > 0;

    internal void Check(in Record record, int index)
    {
        if (rules.RequireKeys && record.Key.IsNull)
        {
            onlyTimestamps = false;
            Add(index, "a record of a compacted topic needs a key");
        }
        else if (!rules.AllowsTimestamp(record.TimestampMs, nowMs))
        {
            Add(index, string.Create(
                CultureInfo.InvariantCulture,
                $"the timestamp {record.TimestampMs} is not within [{rules.EarliestTimestamp(nowMs)}, {rules.LatestTimestamp(nowMs)}]"));
        }
    }

    /// <summary>That a record of a batch stands where its index says.</summary>
    internal void CheckOffset(long offsetDelta, int index)
    {
        if (offsetDelta == index)
            return;
        onlyTimestamps = false;
        Add(index, $"the offset delta is {offsetDelta} and should be {index}");
    }

    internal BatchValidation Refusal() => onlyTimestamps
        ? BatchValidation.Refused(ErrorCode.InvalidTimestamp, "records have timestamps out of range", faults)
        : BatchValidation.Refused(ErrorCode.InvalidRecord, "records are not as they must be", faults);

    private void Add(int index, string message)
    {
        if (faults.Count < BatchValidator.RecordFaultsMax)
            faults.Add(new(index, message));
    }
}
