using Milena.Metadata.Configs;

namespace Milena.Metadata.Tests.Configs;

public class BrokerConfigReaderTests
{
    [Fact]
    public void A_node_that_is_told_nothing_listens_for_clients_on_9092() =>
        Assert.Equal([new Endpoint("PLAINTEXT", "", 9092, SecurityProtocol.Plaintext)], BrokerConfig.Default.Listeners.BoundForBrokers);

    [Fact]
    public void The_file_that_Apache_Kafka_ships_for_one_node_is_taken_as_it_is()
    {
        var reading = Read("""
            process.roles=broker,controller
            node.id=1
            controller.quorum.bootstrap.servers=localhost:9093
            listeners=PLAINTEXT://:9092,CONTROLLER://:9093
            inter.broker.listener.name=PLAINTEXT
            advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
            controller.listener.names=CONTROLLER
            listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
            num.network.threads=3
            log.dirs=/tmp/kraft-combined-logs
            log.retention.hours=168
            """);

        Assert.Empty(reading.Errors);
        Assert.Empty(reading.UnknownNames);
        Assert.Equal(["controller.quorum.bootstrap.servers", "num.network.threads"], reading.UnusedNames);
        Assert.Equal(["PLAINTEXT"], reading.Config!.Listeners.BoundForBrokers.Select(endpoint => endpoint.Name));
        Assert.Equal(["CONTROLLER"], reading.Config.Listeners.BoundForControllers.Select(endpoint => endpoint.Name));
    }

    [Fact]
    public void Every_error_is_told_and_names_its_configuration()
    {
        var reading = Read("num.partitions=many\nlog.segment.bytes=-5\nlisteners=PLAINTEXT:9092");
        Assert.Null(reading.Config);
        Assert.Equal(2, reading.Errors.Count);
        Assert.Contains("num.partitions", reading.Errors[0]);
        Assert.Contains("log.segment.bytes", reading.Errors[1]);
    }

    [Fact]
    public void A_listener_without_a_protocol_is_refused() =>
        Assert.Contains("listener.security.protocol.map", Assert.Single(Read("listeners=WHAT://:9092,PLAINTEXT://:9093").Errors));

    private static ConfigReading Read(string file) => BrokerConfigReader.Read(new ConfigInput { File = PropertiesText.Read(file) });
}
