namespace Milena.Storage;

internal sealed class LogSegment(LazyFile file)
{
    public LazyFile File => file;
}
