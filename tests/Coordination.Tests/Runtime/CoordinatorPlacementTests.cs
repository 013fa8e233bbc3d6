using Milena.Coordination.Runtime;

namespace Milena.Coordination.Tests.Runtime;

public class CoordinatorPlacementTests
{
    [Theory]
    [InlineData("my-group", -1906497762, 12)]
    [InlineData("test", 3556498, 48)]
    [InlineData("", 0, 0)]
    [InlineData("group-ü", 293427502, 2)]
    public void A_key_is_placed_by_its_Java_hash(string key, int hash, int partition)
    {
        Assert.Equal(hash, CoordinatorPlacement.JavaHash(key));
        Assert.Equal(partition, CoordinatorPlacement.PartitionFor(key, 50));
    }

    [Fact]
    public void The_smallest_hash_of_all_has_a_place_too()
    {
        const string Key = "polygenelubricants"; // hashes to int.MinValue, whose absolute value is negative
        Assert.Equal(int.MinValue, CoordinatorPlacement.JavaHash(Key));
        Assert.Equal(0, CoordinatorPlacement.PartitionFor(Key, 50));
    }
}
