using Milena.Metadata.Topics;

namespace Milena.Metadata.Tests.Topics;

public class TopicNamesTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("Orders_v2.raw-2024")]
    [InlineData("...")]
    [InlineData("__consumer_offsets")]
    public void Letters_digits_dots_underscores_and_hyphens_make_a_name(string name) => Assert.Null(TopicNames.Violation(name));

    [Theory]
    [InlineData("", "empty string")]
    [InlineData(".", "'.' is not allowed")]
    [InlineData("..", "'..' is not allowed")]
    [InlineData("a/b", "other than ASCII alphanumerics")]
    [InlineData("../a", "other than ASCII alphanumerics")]
    [InlineData("a b", "other than ASCII alphanumerics")]
    [InlineData("ä", "other than ASCII alphanumerics")]
    [InlineData("a\n", "other than ASCII alphanumerics")]
    public void Anything_else_does_not(string name, string reason) => Assert.Contains(reason, TopicNames.Violation(name));

    [Fact]
    public void A_name_has_at_most_249_characters()
    {
        Assert.Null(TopicNames.Violation(new string('a', 249)));
        Assert.Contains("longer than the max allowed length 249", TopicNames.Violation(new string('a', 250)));
    }

    [Fact]
    public void Kafka_has_three_internal_topics() =>
        Assert.Equal(
            [true, true, true, false],
            new[] { "__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata" }.Select(TopicNames.IsInternal));
}
