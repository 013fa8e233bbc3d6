using Milena.Metadata.Configs;

namespace Milena.Metadata.Tests.Configs;

public class BrokerConfigTests
{
    // What Apache Kafka 4 ships as config/server.properties.
    private const string ServerProperties = """
        process.roles=broker,controller
        node.id=1
        controller.quorum.bootstrap.servers=localhost:9093
        listeners=PLAINTEXT://:9092,CONTROLLER://:9093
        inter.broker.listener.name=PLAINTEXT
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
        num.network.threads=3
        num.io.threads=8
        socket.send.buffer.bytes=102400
        socket.receive.buffer.bytes=102400
        socket.request.max.bytes=104857600
        log.dirs=/tmp/kraft-combined-logs
        num.partitions=1
        num.recovery.threads.per.data.dir=2
        offsets.topic.replication.factor=1
        share.coordinator.state.topic.replication.factor=1
        share.coordinator.state.topic.min.isr=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        log.retention.hours=168
        log.segment.bytes=1073741824
        log.retention.check.interval.ms=300000
        """;

    [Fact]
    public void A_node_that_is_told_nothing_is_broker_and_controller_on_9092()
    {
        var reading = BrokerConfigReader.Read(new ConfigInput());
        Assert.Empty(reading.Errors);
        Assert.Empty(reading.UnusedNames);
        var config = reading.Config!;
        Assert.Equal((1, true, true), (config.NodeId, config.IsBroker, config.IsController));
        Assert.Equal([new Endpoint("PLAINTEXT", "", 9092, SecurityProtocol.Plaintext)], config.Listeners.Bound);
        Assert.Equal(336, config.GetInt("log.retention.hours"));
        Assert.Equal("auto", config.GetString("log.flush.before.ack"));
        Assert.Equal(["/tmp/kafka-logs"], config.LogDirs);
        Assert.Equal("/tmp/kafka-logs", config.MetadataLogDir);
        Assert.Empty(config.Set);
    }

    [Fact]
    public void The_file_that_Kafka_ships_is_accepted_as_it_is()
    {
        var reading = BrokerConfigReader.Read(new ConfigInput { File = PropertiesText.Read(ServerProperties) });
        Assert.Empty(reading.Errors);
        Assert.Empty(reading.UnknownNames);
        Assert.Contains("num.io.threads", reading.UnusedNames);
        Assert.DoesNotContain("log.retention.hours", reading.UnusedNames);
        var config = reading.Config!;
        Assert.Equal(["PLAINTEXT://:9092", "CONTROLLER://:9093"], config.Listeners.Bound.Select(endpoint => endpoint.ToString()));
        Assert.Equal(["PLAINTEXT://localhost:9092"], config.Listeners.Advertised.Select(endpoint => endpoint.ToString()));
        Assert.Equal(["CONTROLLER"], config.Listeners.BoundForControllers.Select(endpoint => endpoint.Name));
        Assert.Equal(168, config.GetInt("log.retention.hours"));
        Assert.Equal(["/tmp/kraft-combined-logs"], config.LogDirs);
    }

    [Fact]
    public void Overrides_count_before_the_environment_and_that_before_the_file()
    {
        var config = BrokerConfigReader.Read(new ConfigInput
        {
            File = [new("num.partitions", "2"), new("log.dirs", "/a"), new("node.id", "4"), new("num.partitions", "3")],
            Environment = [new("KAFKA_NODE_ID", "5"), new("KAFKA_LOG_DIRS", "/b"), new("PATH", "/bin"), new("KAFKA_HEAP_OPTS", "-Xmx1g")],
            Overrides = [new("node.id", "6")],
        }).Config!;
        Assert.Equal((6, ConfigOrigin.Override), (config.NodeId, config.Get("node.id").Origin));
        Assert.Equal(["/b"], config.LogDirs);
        Assert.Equal(3, config.GetInt("num.partitions"));
        Assert.Equal(ConfigOrigin.Default, config.Get("num.io.threads").Origin);
    }

    [Theory]
    [InlineData("KAFKA_ADVERTISED_LISTENERS", "advertised.listeners")]
    [InlineData("KAFKA_LISTENER_NAME_MY__LISTENER_SSL_KEYSTORE_LOCATION", "listener.name.my_listener.ssl.keystore.location")]
    [InlineData("KAFKA_A___B", "a-b")]
    [InlineData("KAFKA_", null)]
    [InlineData("KAFKA_OPTS", null)]
    [InlineData("HOME", null)]
    public void Environment_variables_stand_for_names(string variable, string? name) =>
        Assert.Equal(name, EnvironmentNames.ToConfigName(variable));

    [Fact]
    public void Every_wrong_value_is_reported_and_unknown_names_only_mentioned()
    {
        var reading = BrokerConfigReader.Read(new ConfigInput
        {
            File = [new("num.partitions", "0"), new("nonsense", "1"), new("node.id", "-1"), new("listener.name.x.ssl.client.auth", "maybe")],
        });
        Assert.Null(reading.Config);
        Assert.Equal(
            [
                "Invalid value 0 for configuration num.partitions: Value must be at least 1",
                "Invalid value -1 for configuration node.id: Value must be at least 0",
                "Invalid value maybe for configuration listener.name.x.ssl.client.auth: Value must be one of: required, requested, none",
            ],
            reading.Errors);
        Assert.Equal(["nonsense"], reading.UnknownNames);
    }

    [Theory]
    [InlineData("broker.id=7", null)]
    [InlineData("broker.id=7\nnode.id=7", null)]
    [InlineData("broker.id=7\nnode.id=8", "configuration broker.id: it must equal node.id, which is 8")]
    [InlineData("log.retention.ms=0", "configuration log.retention.ms: it must be at least 1, or -1")]
    [InlineData("log.retention.hours=-1", null)]
    [InlineData("log.retention.minutes=-2", "configuration log.retention.minutes")]
    [InlineData("socket.send.buffer.bytes=0", "configuration socket.send.buffer.bytes")]
    [InlineData("log.dirs=/a,/a", "configuration log.dirs: a directory stands there twice")]
    [InlineData("process.roles=", "configuration process.roles")]
    [InlineData("process.roles=broker,broker", "configuration process.roles")]
    [InlineData("queued.max.request.bytes=5", "configuration queued.max.request.bytes: it must be no less than socket.request.max.bytes")]
    [InlineData("metrics.listener=http://127.0.0.1:9404", null)]
    [InlineData("metrics.listener=http://[::1]:0/", null)]
    [InlineData("metrics.listener=http://*:9404", null)]
    [InlineData("metrics.listener=http://localhost:9404", null)]
    [InlineData("metrics.listener=9404", "Invalid value 9404 for configuration metrics.listener: it must have the form http://{address}:{port}")]
    [InlineData("metrics.listener=https://127.0.0.1:9404", "configuration metrics.listener")]
    [InlineData("metrics.listener=http://127.0.0.1", "configuration metrics.listener")]
    [InlineData("metrics.listener=http://127.0.0.1:70000", "configuration metrics.listener")]
    [InlineData("metrics.listener=http://::1:9404", "configuration metrics.listener")]
    [InlineData("metrics.listener=http://somewhere.example:9404", "configuration metrics.listener")]
    [InlineData("metrics.otlp.endpoint=http://collector:4317", null)]
    [InlineData("metrics.otlp.endpoint=collector:4317", "configuration metrics.otlp.endpoint: it must be the http or https address of a collector")]
    [InlineData("group.min.session.timeout.ms=2000000", "configuration group.min.session.timeout.ms: it must be no more than group.max.session.timeout.ms, which is 1800000")]
    [InlineData("group.consumer.session.timeout.ms=70000", "configuration group.consumer.session.timeout.ms: it must be no more than group.consumer.max.session.timeout.ms")]
    [InlineData("group.consumer.assignors=range,org.apache.kafka.coordinator.group.assignor.UniformAssignor", null)]
    [InlineData("group.consumer.assignors=uniform,sticky", "Invalid value uniform,sticky for configuration group.consumer.assignors: Every value of the list must be one of: uniform, range")]
    [InlineData("group.consumer.assignors=", "configuration group.consumer.assignors: at least one assignor must be named")]
    [InlineData("replica.fetch.wait.max.ms=40000", "configuration replica.fetch.wait.max.ms: it must be no more than replica.lag.time.max.ms")]
    [InlineData("controller.quorum.voters=1@localhost:9093", null)]
    [InlineData("controller.quorum.voters=2@localhost:9093", "configuration controller.quorum.voters: a controller must be in it")]
    [InlineData("controller.quorum.voters=1@localhost:9093,1@localhost:9094", "configuration controller.quorum.voters: an id stands there twice")]
    [InlineData("controller.quorum.voters=1@localhost:9093\nprocess.roles=broker", "node.id 1 is in it, so process.roles must have controller")]
    public void Values_that_contradict_each_other_are_refused(string properties, string? error) => Expect(properties, error);

    [Theory]
    [InlineData("listeners=PLAINTEXT://localhost", "PLAINTEXT://localhost is not NAME://host:port")]
    [InlineData("listeners=PLAINTEXT://localhost:99999", "is not NAME://host:port")]
    [InlineData("listeners=://localhost:9092", "is not NAME://host:port")]
    [InlineData("listeners=", "configuration listeners: there must be at least one")]
    [InlineData("listeners=INTERNAL://:9092", "listener.security.protocol.map has no protocol for INTERNAL")]
    [InlineData("listeners=PLAINTEXT://:9092,PLAINTEXT://:9093", "PLAINTEXT stands there twice")]
    [InlineData("listeners=PLAINTEXT://:9092,SSL://:9092", "each needs a port of its own")]
    [InlineData("listeners=PLAINTEXT://0.0.0.0:9092,SSL://[::1]:9092", null)]
    [InlineData("listeners=PLAINTEXT://10.0.0.1:9092,SSL://10.0.0.2:9092", null)]
    [InlineData("listeners=PLAINTEXT://:0,SSL://:0", null)]
    [InlineData("listeners=CONTROLLER://:9093", "a broker needs one that is not in controller.listener.names")]
    [InlineData("listeners=CONTROLLER://:9093\nprocess.roles=controller", null)]
    [InlineData("advertised.listeners=SSL://h:9092", "SSL is not among listeners")]
    [InlineData("advertised.listeners=PLAINTEXT://0.0.0.0:9092", "lead clients nowhere")]
    [InlineData("advertised.listeners=PLAINTEXT://h:0", null)]
    [InlineData("listener.security.protocol.map=A", "A is not LISTENER:PROTOCOL")]
    [InlineData("listener.security.protocol.map=A:TLS", "A:TLS is not LISTENER:PROTOCOL")]
    [InlineData("listener.security.protocol.map=A:SSL,a:SSL", "a stands there twice")]
    [InlineData("listeners=FOO://:9092\nlistener.security.protocol.map=FOO:PLAINTEXT", null)] // brokers use the only one there is
    [InlineData(
        "listeners=FOO://:9092,BAR://:9093\nlistener.security.protocol.map=FOO:PLAINTEXT,BAR:PLAINTEXT",
        "Invalid value PLAINTEXT for configuration security.inter.broker.protocol: PLAINTEXT is not among the advertised listeners; inter.broker.listener.name must name one of FOO, BAR")]
    [InlineData("listeners=SSL://:9092", null)] // that TLS is not served is said by who would have to serve it
    [InlineData("inter.broker.listener.name=SSL", "inter.broker.listener.name: SSL is not among")]
    [InlineData("listeners=FOO://:9092\nlistener.security.protocol.map=FOO:PLAINTEXT\ninter.broker.listener.name=foo", null)]
    [InlineData("inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT", "cannot be set together")]
    [InlineData("listeners=SSL://:9093\nsecurity.inter.broker.protocol=SSL", null)]
    public void Listeners_are_checked(string properties, string? error) => Expect(properties, error);

    [Fact]
    public void Listeners_that_are_bound_to_every_address_are_advertised_without_a_host()
    {
        var config = Read("listeners=PLAINTEXT://0.0.0.0:9092,ssl://[::]:9093,SASL_SSL://h:9094").Config!;
        Assert.Equal(["PLAINTEXT://:9092", "SSL://:9093", "SASL_SSL://h:9094"], config.Listeners.Advertised.Select(endpoint => endpoint.ToString()));
        Assert.Equal("[::1]", new Endpoint("A", "::1", 1, SecurityProtocol.Ssl).ToString()[4..9]);
        Assert.Equal(
            [SecurityProtocol.Plaintext, SecurityProtocol.Ssl, SecurityProtocol.SaslSsl], config.Listeners.Bound.Select(endpoint => endpoint.Protocol));
    }

    private static ConfigReading Read(string properties) =>
        BrokerConfigReader.Read(new ConfigInput { File = PropertiesText.Read(properties) });

    private static void Expect(string properties, string? error)
    {
        var reading = Read(properties);
        Assert.True(error is null == reading.Config is not null, string.Join("; ", reading.Errors));
        if (error is null)
            Assert.Empty(reading.Errors);
        else
            Assert.Contains(error, string.Join('\n', reading.Errors));
    }
}
