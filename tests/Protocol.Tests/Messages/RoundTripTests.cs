namespace Milena.Protocol.Tests.Messages;

/// <summary>For every message and version: what is written is what is read.</summary>
public class RoundTripTests
{
    private const int InstancesPerVersion = 4;

    [Fact]
    public void A_random_instance_of_every_message_survives_in_every_version()
    {
        var messages = new RandomMessages(new Random(20260822));
        foreach (var (schema, version) in Schemas.AllVersions)
        {
            for (var i = 0; i < InstancesPerVersion; i++)
            {
                var message = messages.Next(schema, version);
                var bytes = MessageSchema.Write(message, version);
                var again = schema.Read(bytes, version);
                Content.AssertEqual(message, again, $"{schema} {version}");
                Assert.Equal(bytes, MessageSchema.Write(again, version));
            }
        }
    }

    [Fact]
    public void A_new_instance_of_every_message_can_be_written_in_every_version()
    {
        foreach (var (schema, version) in Schemas.AllVersions)
        {
            var message = (IMessage)Activator.CreateInstance(schema.Type)!;
            Content.AssertEqual(message, schema.Read(MessageSchema.Write(message, version), version), $"{schema} {version}");
        }
    }
}
