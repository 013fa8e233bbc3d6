namespace Milena.Network.Tests;

public class InMemoryTransportTests
{
    [Fact]
    public async Task A_sender_waits_while_the_other_side_does_not_receive()
    {
        var (client, server) = InMemoryTransport.CreatePair(capacityBytes: 1000);
        Assert.Equal(600, await client.SendAsync(new byte[600]));
        Assert.Equal(400, await client.SendAsync(new byte[600]));
        var waiting = client.SendAsync(new byte[600]);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(700, await server.ReceiveAsync(new byte[700]));
        Assert.Equal(600, await waiting);
        Assert.True(server.HasData);
    }

    [Fact]
    public async Task What_was_sent_before_closing_is_still_received()
    {
        var (client, server) = InMemoryTransport.CreatePair();
        await client.SendAsync(new byte[] { 1, 2, 3 });
        client.Close();
        var buffer = new byte[10];
        Assert.Equal(3, await server.ReceiveAsync(buffer));
        Assert.Equal(0, await server.ReceiveAsync(buffer));
        await Assert.ThrowsAsync<TransportClosedException>(async () => await server.SendAsync(buffer));
    }

    [Fact]
    public async Task Closing_fails_what_waits_on_either_side()
    {
        var (client, server) = InMemoryTransport.CreatePair(capacityBytes: 10);
        await client.SendAsync(new byte[10]);
        var sending = client.SendAsync(new byte[10]);
        var receiving = client.ReceiveAsync(new byte[10]);
        server.Close();
        await Assert.ThrowsAsync<TransportClosedException>(async () => await sending);
        Assert.Equal(0, await receiving);
        client.Close();
        client.Close();
    }

    [Fact]
    public async Task Ending_one_direction_leaves_the_other_open()
    {
        var (client, server) = InMemoryTransport.CreatePair();
        client.EndSend();
        Assert.Equal(0, await server.ReceiveAsync(new byte[1]));
        await server.SendAsync(new byte[] { 7 });
        var buffer = new byte[1];
        Assert.Equal(1, await client.ReceiveAsync(buffer));
        Assert.Equal(7, buffer[0]);
    }
}
