namespace Milena.Protocol;

/// <summary>Is told of every error code that a response carries, <see cref="ErrorCode.None"/> included.</summary>
public interface IErrorCounter
{
    /// <summary>There is one.</summary>
    void Count(ErrorCode error);
}
