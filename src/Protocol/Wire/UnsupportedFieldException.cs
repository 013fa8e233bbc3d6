namespace Milena.Protocol;

/// <summary>
/// A message holds something that the version it is written in cannot express: a field that the version lacks and that
/// may not be dropped silently, null where the version has none, or a string that is too long.
/// </summary>
public sealed class UnsupportedFieldException(string message) : Exception(message)
{
    internal static UnsupportedFieldException NotInVersion(string field, short version) =>
        new($"{field} is set, but version {version} does not have it");

    internal static UnsupportedFieldException Null(string field, short version) =>
        new($"{field} is null, which version {version} does not allow");

    internal static UnsupportedFieldException NullRecords() => new("records are null, which their field does not allow");

    internal static UnsupportedFieldException TooLong(int bytes) =>
        new($"a string of {bytes} bytes, but {MessageReader.StringBytesMax} is the most");
}
