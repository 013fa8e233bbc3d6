using System.Text;
using Milena.Coordination.Groups;

namespace Milena.Coordination.Tests.Groups.Consumer;

public class TopicRegexTests
{
    [Theory]
    [InlineData("orders", "orders", "orders2 my-orders order")]
    [InlineData("orders.*", "orders orders-2", "my-orders")]
    [InlineData("^orders-[0-9]+$", "orders-1 orders-22", "orders- orders-1a")]
    [InlineData("a|b|", "a b", "c ab")]
    [InlineData("(a|bc)*d", "d ad bcad", "bd a")]
    [InlineData("(?:t|T)opic", "topic Topic", "TOPIC")]
    [InlineData("(?P<env>prod|test)_(?<n>\\d)", "prod_1 test_2", "prod_ dev_1")]
    [InlineData("(?i)Topic", "topic TOPIC", "topics")]
    [InlineData("(?i:a)b(?-i)", "ab Ab", "aB AB")]
    [InlineData("a(?i)b|c", "ab aB c C", "Ab")]
    [InlineData("(a(?i)b)c", "abc aBc", "abC")]
    [InlineData("(?ims-U).", "x", "xx")]
    [InlineData("x{2,3}", "xx xxx", "x xxxx")]
    [InlineData("x{2,}", "xx xxxxx", "x")]
    [InlineData("x{0}y", "y", "xy")]
    [InlineData("(xy){2}", "xyxy", "xy xyxyxy")]
    [InlineData("x*?y+?z??", "y xyz xxyy", "x")]
    [InlineData(@"\Qa.b\E.", "a.bc a.b.", "axbc")]
    [InlineData(@"\Qa.b", "a.b", "axb")]
    [InlineData(@"\Qab\E+", "ab abbb", "abab")]
    [InlineData(@"a\.b\-c\_", "a.b-c_", "axb-c_")]
    [InlineData(@"\x61\x{62}\143", "abc", "ab")]
    [InlineData(@"[[:alpha:]][[:^digit:]]\D", "abc a--", "1bc ab1")]
    [InlineData(@"[^[:alpha:]]", "1 -", "a Z")]
    [InlineData(@"[\w.-]+\W", "a.-", "abc")]
    [InlineData(@"[]a]", "a", "b")]
    [InlineData(@"[a-c-e]", "a b c - e", "d")]
    [InlineData(@"[a\-z]", "a - z", "b")]
    [InlineData(@"\p{Lu}\p{Ll}\pN\P{L}", "Ab1-", "ab1- Ab1a")]
    [InlineData(@"\p{Latin}\p{Common}[^\p{Greek}]", "a1b", "1ab")]
    [InlineData(@"(?i)\p{Lu}", "a A", "1")]
    [InlineData(@"\ba\b.*", "a a-b", "ab")]
    [InlineData(@"a\B.*", "ab", "a a-b")]
    [InlineData(@"\Aa\z", "a", "ab")]
    [InlineData(@"a^b|a$b|ab", "ab", "a")]
    [InlineData(@"a{,3}", "a{,3}", "a aa")]
    [InlineData(@"(?i)K|ſ", "k K s S", "x")]
    [InlineData(@"é|.", "a", "")]
    [InlineData(@"(|a)*b", "b aab", "a")]
    [InlineData(@"(?:(?:a*)*)*", "a aaa", "b")]
    public void An_expression_matches_whole_names_as_in_RE2(string expression, string matching, string others)
    {
        var regex = TopicRegex.Parse(expression, out var fault);
        Assert.Null(fault);
        Assert.All(Names(matching), name => Assert.True(regex!.IsMatch(name), name));
        Assert.All(Names(others), name => Assert.False(regex!.IsMatch(name), name));
    }

    [Theory]
    [InlineData("(", "missing closing )")]
    [InlineData("a)", "unexpected )")]
    [InlineData("[a", "missing closing ]")]
    [InlineData("[]", "missing closing ]")]
    [InlineData("*a", "missing argument to repetition operator")]
    [InlineData("a|+", "missing argument to repetition operator")]
    [InlineData("a**", "invalid nested repetition operator")]
    [InlineData("a*+", "invalid nested repetition operator")]
    [InlineData("a{2}{3}", "invalid nested repetition operator")]
    [InlineData("a{1001}", "invalid repetition size")]
    [InlineData("a{3,2}", "invalid repetition size")]
    [InlineData("(a{100}){100}", "invalid repetition size")]
    [InlineData("(a{1000,}b){2}", "invalid repetition size")]
    [InlineData("[z-a]", "invalid character class range")]
    [InlineData("[[:letters:]]", "invalid character class range")]
    [InlineData(@"\p{Klingon}", "invalid character class range")]
    [InlineData(@"\p{L", "invalid character class range")]
    [InlineData(@"\p", "invalid character class range")]
    [InlineData(@"a\", "trailing backslash")]
    [InlineData(@"(a)\1", "invalid escape sequence")]
    [InlineData(@"\Z", "invalid escape sequence")]
    [InlineData(@"\C", "invalid escape sequence")]
    [InlineData(@"\x6", "invalid escape sequence")]
    [InlineData(@"\x{110000}", "invalid escape sequence")]
    [InlineData("(?=a)", "invalid or unsupported Perl syntax")]
    [InlineData("(?!a)", "invalid or unsupported Perl syntax")]
    [InlineData("(?<=a)", "invalid or unsupported Perl syntax")]
    [InlineData("(?<!a)", "invalid or unsupported Perl syntax")]
    [InlineData("(?>a)", "invalid or unsupported Perl syntax")]
    [InlineData("(?#note)", "invalid or unsupported Perl syntax")]
    [InlineData("(?i-)", "invalid or unsupported Perl syntax")]
    [InlineData("(?i", "missing closing )")]
    [InlineData("(?P<>a)", "invalid named capture")]
    [InlineData("(?P<n", "invalid named capture")]
    [InlineData("(?P<n>a)(?P<n>b)", "duplicate capture group name")]
    public void What_RE2_does_not_take_is_refused_with_its_reason(string expression, string reason)
    {
        Assert.Null(TopicRegex.Parse(expression, out var fault));
        Assert.StartsWith(reason, fault);
    }

    [Fact]
    public void Expressions_made_to_explode_are_refused_or_match_in_bounded_steps()
    {
        Assert.Null(TopicRegex.Parse(new string('a', TopicRegex.LengthMax + 1), out _));
        Assert.Null(TopicRegex.Parse(new string('(', 8_000) + new string(')', 8_000)[..192], out _));
        Assert.Null(TopicRegex.Parse(Nested("(", "a", ")", 1_000), out _));
        Assert.Null(TopicRegex.Parse("((a{10}){10}){10}(b{1000}){1,1000}", out _));
        Assert.Null(TopicRegex.Parse(string.Concat(Enumerable.Repeat("(abcdefghij){1000}", 3)), out var fault));
        Assert.StartsWith("the expression is too large", fault);

        string[] costly =
        [
            "(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b", "(a|aa)+b", "([a-z]+)*=", "(a?){500}a{499}b",
            Nested("(", "a", ")*", 100) + "b",
        ];
        foreach (var expression in costly)
        {
            var regex = TopicRegex.Parse(expression, out _)!;
            Assert.False(regex.IsMatch(new string('a', 249)), expression);
            Assert.InRange(regex.Steps, 0, 250L * TopicRegex.SizeMax);
        }
    }

    [Fact]
    public void An_expression_whose_deterministic_automaton_is_huge_still_answers_right_and_forgets()
    {
        var regex = TopicRegex.Parse(".*a.{200}", out _)!; // remembers where each of the last 200 letters was an a
        var random = new Random(848);
        for (var i = 0; i < 60; i++)
        {
            var name = new string(random.GetItems("ab".ToCharArray(), 249));
            Assert.Equal(name[48] == 'a', regex.IsMatch(name));
        }
    }

    [Fact]
    public void One_that_takes_too_long_is_given_up_and_stands_for_nothing()
    {
        var random = new Random(849);
        var topics = Enumerable.Range(0, 500).Select(_ => new string(random.GetItems("ab".ToCharArray(), 249))).ToList();

        var costly = RegexResolver.Resolve("(.*a.{240}|.*b.{240}|.*(a|b).{230})*", topics);
        Assert.True(costly.IsTooCostly);
        Assert.Empty(costly.Topics);

        var plain = RegexResolver.Resolve("a.*|.*b", topics);
        Assert.False(plain.IsTooCostly);
        Assert.Equal(topics.Count(name => name[0] == 'a' || name[^1] == 'b'), plain.Topics.Count);
    }

    [Fact]
    public void Random_expressions_match_what_another_engine_matches()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 400; i++)
        {
            var expression = RandomExpression(random, depth: 4);
            var regex = TopicRegex.Parse(expression, out var fault);
            Assert.True(regex is not null, $"seed {seed}: {expression}: {fault}");
            var twin = new System.Text.RegularExpressions.Regex($@"\A(?:{expression})\z", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
            for (var j = 0; j < 20; j++)
            {
                var name = new string(random.GetItems("abc1-".ToCharArray(), random.Next(0, 8)));
                Assert.True(twin.IsMatch(name) == regex.IsMatch(name), $"seed {seed}: {expression} and '{name}'");
            }
        }
    }

    [Fact]
    public void Random_texts_are_read_or_refused()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new string(random.GetItems(@"ab()[]{}|*+?.^$\\-,:=!<>PQEpdwxzLi019é".ToCharArray(), random.Next(1, 14)));
            var regex = TopicRegex.Parse(text, out var fault);
            Assert.True(regex is null == fault is not null, $"seed {seed}: {text}");
            regex?.IsMatch("ab-1");
        }
    }

    [Fact]
    public void Topics_are_looked_up_again_when_something_may_have_changed_but_not_all_the_time()
    {
        const int Interval = 600_000;
        Assert.True(RegexResolver.IsRefreshDue(0, null, isUnresolved: true, hasNewTopics: false, Interval));
        Assert.False(RegexResolver.IsRefreshDue(9_999, 0, isUnresolved: true, hasNewTopics: true, Interval));
        Assert.True(RegexResolver.IsRefreshDue(10_000, 0, isUnresolved: true, hasNewTopics: false, Interval));
        Assert.True(RegexResolver.IsRefreshDue(10_000, 0, isUnresolved: false, hasNewTopics: true, Interval));
        Assert.False(RegexResolver.IsRefreshDue(599_999, 0, isUnresolved: false, hasNewTopics: false, Interval));
        Assert.True(RegexResolver.IsRefreshDue(600_000, 0, isUnresolved: false, hasNewTopics: false, Interval));
    }

    private static string[] Names(string names) => names.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Nested(string before, string inner, string after, int times) =>
        new StringBuilder().Insert(0, before, times).Append(inner).Insert(times * before.Length + inner.Length, after, times).ToString();

    private static string RandomExpression(Random random, int depth)
    {
        string[] atoms = ["a", "b", "c", "1", "-", ".", "[ab]", "[^a-b]", @"\d", @"\w", @"\b", @"\B", "^", "$", "[[a]", @"\-"];
        string[] counts = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?"];
        if (depth == 0)
            return random.GetItems(atoms, 1)[0];
        return random.Next(5) switch
        {
            0 => $"({RandomExpression(random, depth - 1)}|{RandomExpression(random, depth - 1)})",
            1 => $"(?:{RandomExpression(random, depth - 1)}){random.GetItems(counts, 1)[0]}",
            2 => $"({RandomExpression(random, depth - 1)})",
            _ => RandomExpression(random, depth - 1) + RandomExpression(random, depth - 1),
        };
    }
}
