using Milena.Protocol;

namespace Milena.Broker.Tests.Versions;

/// <summary>A request to try in every version of its API.</summary>
internal abstract class Sample(string name)
{
    public string Name { get; } = name;

    public abstract ApiKey Key { get; }

    /// <summary>Sends it; the answer is decoded to its last byte.</summary>
    public abstract Task<IMessage> Send(TestClient client, short version);

    /// <summary>Its body as bytes.</summary>
    public abstract byte[] Encode(short version);

    /// <summary>Makes the request for a version.</summary>
    public delegate IRequest<TRequest, TResponse> Make<TRequest, TResponse>(short version)
        where TRequest : IRequest<TRequest>
        where TResponse : IResponse<TResponse>;

    public static Sample Of<TRequest, TResponse>(string name, Make<TRequest, TResponse> make)
        where TRequest : class, IRequest<TRequest>, IRequest<TRequest, TResponse>
        where TResponse : class, IResponse<TResponse> => new Typed<TRequest, TResponse>(name, make);

    private sealed class Typed<TRequest, TResponse>(string name, Make<TRequest, TResponse> make) : Sample(name)
        where TRequest : class, IRequest<TRequest>, IRequest<TRequest, TResponse>
        where TResponse : class, IResponse<TResponse>
    {
        public override ApiKey Key => TRequest.Key;

        public override async Task<IMessage> Send(TestClient client, short version) => await client.Send(make(version), version);

        public override byte[] Encode(short version)
        {
            using var writer = new MessageWriter();
            make(version).Write(writer, version);
            return writer.ToArray();
        }
    }
}
