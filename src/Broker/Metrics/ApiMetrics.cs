using Milena.Metrics;
using Milena.Protocol;

namespace Milena.Broker.Metrics;

/// <summary>What is known of one API's requests. Any thread may use it.</summary>
internal sealed class ApiMetrics : IErrorCounter
{
    private const double MsPerMicrosecond = 0.001;
    private const int VersionsMax = 32;
    private const int LeastError = -1;

    private readonly TimeProvider time;
    private readonly Meter?[] versions = new Meter?[VersionsMax];
    private readonly Meter?[] errors = new Meter?[256]; // by code, from UNKNOWN_SERVER_ERROR (-1) on

    public ApiMetrics(ApiKey key, TimeProvider time)
    {
        this.time = time;
        Key = key;
        RequestBytes = new(time);
        TotalTime = Times();
        RequestQueueTime = Times();
        LocalTime = Times();
        RemoteTime = Times();
        ThrottleTime = Times();
        ResponseQueueTime = Times();
        ResponseSendTime = Times();
    }

    public ApiKey Key { get; }

    public Histogram RequestBytes { get; }

    public Histogram TotalTime { get; }

    public Histogram RequestQueueTime { get; }

    public Histogram LocalTime { get; }

    public Histogram RemoteTime { get; }

    public Histogram ThrottleTime { get; }

    public Histogram ResponseQueueTime { get; }

    public Histogram ResponseSendTime { get; }

    /// <summary>The versions that were asked for.</summary>
    public IEnumerable<(string Version, Meter Meter)> Versions =>
        versions.Index().Where(entry => entry.Item is not null).Select(entry => ($"{entry.Index}", entry.Item!));

    /// <summary>The errors that were answered.</summary>
    public IEnumerable<(string Name, Meter Meter)> Errors =>
        errors.Index().Where(entry => entry.Item is not null).Select(entry => (((ErrorCode)(entry.Index + LeastError)).Name(), entry.Item!));

    /// <summary>A request of this version has been answered.</summary>
    public void CountVersion(short version)
    {
        if ((uint)version < VersionsMax)
            (Volatile.Read(ref versions[version]) ?? Make(ref versions[version], "requests")).Mark();
    }

    /// <inheritdoc/>
    public void Count(ErrorCode error)
    {
        var index = (int)error - LeastError;
        if ((uint)index < (uint)errors.Length)
            (Volatile.Read(ref errors[index]) ?? Make(ref errors[index], "requests")).Mark();
    }

    private Meter Make(ref Meter? place, string eventType)
    {
        var made = new Meter(time, eventType);
        return Interlocked.CompareExchange(ref place, made, null) ?? made;
    }

    private Histogram Times() => new(time, MsPerMicrosecond);
}
