using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.WrongInput;

/// <summary>A well-behaved client beside the one that misbehaves. Its connections stand before, and must do so after.</summary>
internal sealed class Bystander : IDisposable
{
    private readonly IProducer<Null, string> producer;
    private readonly IConsumer<Ignore, string> consumer;
    private readonly string topic;
    private readonly List<string> errors = [];
    private int sent;

    private Bystander(BrokerProcess broker, string topic)
    {
        this.topic = topic;
        producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = broker.Bootstrap, Acks = Acks.All, LingerMs = 0 })
            .SetErrorHandler((_, error) => Note(error)).Build();
        consumer = new ConsumerBuilder<Ignore, string>(new ConsumerConfig { BootstrapServers = broker.Bootstrap, GroupId = "unused" })
            .SetErrorHandler((_, error) => Note(error)).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, 0));
    }

    /// <summary>Begins, on a topic of its own.</summary>
    public static async Task<Bystander> Join(BrokerProcess broker)
    {
        var topic = $"bystander-{Guid.NewGuid():N}";
        await broker.CreateTopics(partitions: 1, topic);
        var bystander = new Bystander(broker, topic);
        await bystander.GoesOn();
        return bystander;
    }

    /// <summary>Writes records, reads them, and has seen no error since it joined.</summary>
    public async Task GoesOn()
    {
        for (var i = 0; i < 10; i++)
        {
            var value = $"record {sent++}";
            await producer.ProduceAsync(topic, new Message<Null, string> { Value = value });
            Assert.Equal(value, consumer.Consume(Deadline.Default)?.Message.Value);
        }
        lock (errors)
            Assert.Empty(errors);
    }

    public void Dispose()
    {
        producer.Dispose();
        consumer.Dispose();
    }

    private void Note(Error error)
    {
        lock (errors)
            errors.Add(error.ToString());
    }
}
