using Milena.Broker.Dispatch;
using Milena.Broker.Metrics;
using Milena.Metrics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Administration;

/// <summary>A mistake of ours in a handler costs the request, not the connection, wherever the answer has a place for it.</summary>
public sealed class FaultTests : IAsyncDisposable
{
    private readonly LinesLogger log = new();
    private readonly FrameServer server;
    private readonly TestClient client;

    public FaultTests()
    {
        var handler = new BrokerFrameHandler(new RequestMetrics(new MetricRegistry(TimeProvider.System)));
        handler.Serve(new ApiRegistry(log, NoQuotas.Instance)
            .Add<Broken<UnregisterBrokerRequest, UnregisterBrokerResponse>, UnregisterBrokerRequest, UnregisterBrokerResponse>(new(isLate: false))
            .Add<Broken<ListGroupsRequest, ListGroupsResponse>, ListGroupsRequest, ListGroupsResponse>(new(isLate: true))
            .Add<Broken<FetchRequest, FetchResponse>, FetchRequest, FetchResponse>(new(isLate: true))
            .Add<Broken<MetadataRequest, MetadataResponse>, MetadataRequest, MetadataResponse>(new(isLate: false)));
        server = new FrameServer(handler, new FrameServerOptions(), TimeProvider.System, Microsoft.Extensions.Logging.LoggerFactoryExtensions.CreateLogger<FrameServer>(log));
        client = new TestClient(server.Connect(TestBroker.Listener), "c");
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task It_is_answered_with_an_error_and_said_once_with_its_stack()
    {
        Assert.Equal(ErrorCode.UnknownServerError, (await client.Send(new UnregisterBrokerRequest())).ErrorCode);
        var line = Assert.Single(log.Lines);
        Assert.StartsWith("Error: A request for UnregisterBroker version 0 from c could not be handled", line);
        Assert.Contains("a mistake of ours", line);
        Assert.Contains(nameof(Broken<UnregisterBrokerRequest, UnregisterBrokerResponse>.Handle), line);

        Assert.Equal(ErrorCode.UnknownServerError, (await client.Send(new ListGroupsRequest())).ErrorCode);
        Assert.Equal(ErrorCode.UnknownServerError, (await client.Send(new FetchRequest())).ErrorCode);
        Assert.Equal(3, log.Lines.Count);
        Assert.False(client.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_version_without_a_place_for_it_loses_the_connection()
    {
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => client.Send(new FetchRequest(), version: 4));
        Assert.Contains("its request could not be handled", Assert.Single(log.Lines));
    }

    [Fact]
    public async Task So_does_an_api_that_has_no_error_of_its_own()
    {
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => client.Send(new MetadataRequest { Topics = null }, version: 9));
        Assert.Contains("its request could not be handled", Assert.Single(log.Lines));
    }

    private sealed class Broken<TRequest, TResponse>(bool isLate) : IApi<TRequest, TResponse>
        where TRequest : IRequest<TRequest, TResponse>, IRequest<TRequest>
        where TResponse : class, IResponse<TResponse>
    {
        public static VersionRange Versions => ApiTable.Get(TRequest.Key).Versions;

        public ValueTask<TResponse?> Handle(TRequest request, RequestContext context)
        {
            return isLate ? Late() : throw new InvalidOperationException("a mistake of ours");

            static async ValueTask<TResponse?> Late()
            {
                await Task.Yield();
                throw new InvalidOperationException("a mistake of ours");
            }
        }
    }
}
