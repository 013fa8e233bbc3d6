namespace Milena.Protocol.Records;

/// <summary>Who gave a batch its timestamps; bit 3 of its attributes.</summary>
public enum TimestampType
{
    /// <summary>The producer: each record has its own.</summary>
    CreateTime = 0,

    /// <summary>The broker, on append: every record has the batch's max timestamp.</summary>
    LogAppendTime = 1,
}
