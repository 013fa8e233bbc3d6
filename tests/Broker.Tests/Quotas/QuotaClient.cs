using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quotas;

/// <summary>Sets quotas. Entities are written <c>user=u client-id=*</c>, where * is the default.</summary>
internal static class QuotaClient
{
    /// <summary>
    /// Moves the clock on until the answer is there. In small steps, each with time for the broker: what waits may set its timer late.
    /// </summary>
    public static async Task<T> Later<T>(this TestBroker broker, Task<T> answer)
    {
        await using var other = broker.Connect("other");
        while (!answer.IsCompleted)
        {
            broker.Time.Advance(TimeSpan.FromMilliseconds(100));
            await other.Send(new MetadataRequest { Topics = [] });
        }

        return await answer;
    }

    /// <summary>Sets a quota, or removes it if it is null.</summary>
    public static async Task SetQuota(this TestClient client, string entity, string key, double? value)
    {
        var response = await client.Send(new AlterClientQuotasRequest
        {
            Entries =
            [
                new()
                {
                    Entity = [.. entity.Split(' ').Select(part => part.Split('=')).Select(part => new AlterClientQuotasRequest.EntityData
                    {
                        EntityType = part[0],
                        EntityName = part[1] == "*" ? null : part[1],
                    })],
                    Ops = [new() { Key = key, Value = value ?? 0, Remove = value is null }],
                },
            ],
        });
        var entry = Assert.Single(response.Entries);
        Assert.Equal((ErrorCode.None, null), (entry.ErrorCode, entry.ErrorMessage));
    }
}
