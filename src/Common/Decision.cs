namespace Milena.Common;

/// <summary>
/// What a pure <c>decide</c> returns: the answer for the caller, and the records that make it true. The runtime appends the
/// records, applies them, and gives the answer once they are committed; without records it answers when what was appended
/// before is committed, because the decision may have read it.
/// </summary>
public sealed record Decision<TResponse, TRecord>(TResponse Response, params TRecord[] Records);
