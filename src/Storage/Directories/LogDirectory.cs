namespace Milena.Storage;

internal sealed class LogDirectory
{
    public void Fail(IOException failure) => throw new NotImplementedException(failure.Message);
}
