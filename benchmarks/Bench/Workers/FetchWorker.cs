using Milena.Bench.Wire;

namespace Milena.Bench.Workers;

/// <summary>Reads a log from its start and decodes every record, until there were so many. Result: records, bytes.</summary>
internal static class FetchWorker
{
    public static void Run(string dialectName, int port, string topic, int maxBytes, long totalRecords)
    {
        var dialect = Dialect.Of(dialectName, topic);
        using var stream = new FrameStream(port);
        Worker.Measure(() =>
        {
            var (records, bytes, position) = (0L, 0L, 0L);
            while (records < totalRecords)
            {
                stream.Send(dialect.Fetch(position, maxBytes, maxWaitMs: 500));
                var fetched = dialect.Fetched(stream.Receive());
                if (fetched.IsEmpty)
                    continue;
                var decoded = Batches.Decode(fetched.Span);
                records += decoded.Records;
                bytes += decoded.Bytes;
                position = dialect.Behind(position, decoded.NextOffset, decoded.Bytes);
            }

            return [records, bytes];
        });
    }
}
