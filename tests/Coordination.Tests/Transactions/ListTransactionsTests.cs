using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>ListTransactions and its filters.</summary>
public sealed class ListTransactionsTests : TransactionFixture
{
    [Fact]
    public async Task Everything_is_listed_that_passes_every_filter()
    {
        for (var partition = 0; partition < 50; partition++)
            await Coordinator.OnElected(partition, 1, new Groups.InMemoryLog());
        foreach (var id in new[] { "a", "ab", "b" })
            await Init(id: id);
        await Coordinator.AddPartitions("ab", 1_001, 0, [T0]);
        Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(["a Empty 1000", "ab Ongoing 1001", "b Empty 1002"], await List(new()));
        Assert.Equal(["ab Ongoing 1001"], await List(new() { StateFilters = ["Ongoing", "CompleteAbort"] }));
        Assert.Equal(["b Empty 1002"], await List(new() { ProducerIdFilters = [1_002, 7] }));
        Assert.Equal(["ab Ongoing 1001"], await List(new() { DurationFilter = 4_999 }));
        Assert.Empty(await List(new() { DurationFilter = 5_000 }));
        Assert.Equal(["a Empty 1000"], await List(new() { TransactionalIdPattern = "a" }));
        Assert.Equal(["a Empty 1000", "ab Ongoing 1001"], await List(new() { TransactionalIdPattern = "a.*|c" }));
        Assert.Empty(await List(new() { StateFilters = ["Empty"], TransactionalIdPattern = "ab" }));
    }

    [Fact]
    public async Task States_that_do_not_exist_are_named_and_match_nothing()
    {
        await ElectAsync();
        await Init();

        var listed = await Coordinator.ListTransactions(new() { StateFilters = ["Busy", "3"] });

        Assert.Equal(["Busy", "3"], listed.UnknownStateFilters);
        Assert.Empty(listed.TransactionStates);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("a)(b")]
    [InlineData(@"(a)\1")]
    public async Task Patterns_that_are_none_are_refused(string pattern)
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.InvalidRegularExpression, (await Coordinator.ListTransactions(new() { TransactionalIdPattern = pattern })).ErrorCode);
    }

    private async Task<string[]> List(ListTransactionsRequest request)
    {
        var listed = await Coordinator.ListTransactions(request);
        Assert.Equal(ErrorCode.None, listed.ErrorCode);
        return [.. listed.TransactionStates.Select(state => $"{state.TransactionalId} {state.TransactionState} {state.ProducerId}").Order(StringComparer.Ordinal)];
    }
}
