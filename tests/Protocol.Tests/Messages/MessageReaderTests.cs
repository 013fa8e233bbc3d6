using Milena.Common;

namespace Milena.Protocol.Tests.Messages;

public class MessageReaderTests
{
    [Theory]
    [InlineData("00", 0u)]
    [InlineData("01", 1u)]
    [InlineData("7F", 127u)]
    [InlineData("8001", 128u)]
    [InlineData("AC02", 300u)]
    [InlineData("808001", 16384u)]
    [InlineData("FFFFFFFF0F", uint.MaxValue)]
    [InlineData("8000", 0u)] // padded: some writers reserve the place of a length before they know it
    public void An_unsigned_varint_has_up_to_32_bits(string hex, uint expected)
    {
        var reader = Reader(hex);
        Assert.Equal(expected, reader.ReadUnsignedVarint());
        reader.ExpectEnd();
    }

    [Theory]
    [InlineData("FFFFFFFF1F")] // 33 bits
    [InlineData("FFFFFFFFFF01")] // six bytes
    [InlineData("8080808080")]
    [InlineData("FF")] // unfinished
    [InlineData("")]
    public void An_over_long_or_unfinished_varint_is_refused(string hex) =>
        Refused(hex, static (ref MessageReader reader) => reader.ReadUnsignedVarint());

    [Theory]
    [InlineData("00", false)]
    [InlineData("01", true)]
    [InlineData("02", true)]
    [InlineData("FF", true)]
    public void Every_byte_but_zero_is_true(string hex, bool expected) => Assert.Equal(expected, Reader(hex).ReadBool());

    [Fact]
    public void Numbers_are_big_endian()
    {
        var reader = Reader("FE" + "0102" + "FFFE" + "01020304" + "FFFFFFFE" + "0102030405060708" + "3FF0000000000000"
            + "000102030405060708090A0B0C0D0E0F");
        Assert.Equal(-2, reader.ReadInt8());
        Assert.Equal(0x0102, reader.ReadInt16());
        Assert.Equal(0xFFFE, reader.ReadUInt16());
        Assert.Equal(0x01020304, reader.ReadInt32());
        Assert.Equal(0xFFFFFFFEu, reader.ReadUInt32());
        Assert.Equal(0x0102030405060708, reader.ReadInt64());
        Assert.Equal(1.0, reader.ReadFloat64());
        Assert.Equal(new Uuid(0x0001020304050607, 0x08090A0B0C0D0E0F), reader.ReadUuid());
        Assert.Equal(0, reader.Remaining);
    }

    [Theory]
    [InlineData("0003616263", false, "abc")]
    [InlineData("04616263", true, "abc")]
    [InlineData("0000", false, "")]
    [InlineData("01", true, "")]
    [InlineData("FFFF", false, null)]
    [InlineData("00", true, null)]
    [InlineData("05F09F9880", true, "😀")]
    public void A_string_has_two_forms_and_null(string hex, bool isFlexible, string? expected)
    {
        var reader = Reader(hex);
        Assert.Equal(expected, reader.ReadNullableString(isFlexible));
        reader.ExpectEnd();
    }

    [Theory]
    [InlineData("FFFF", false)] // null
    [InlineData("00", true)]
    [InlineData("FFFE", false)] // a length of -2
    [InlineData("8000", false)]
    [InlineData("0002C328", false)] // not UTF-8
    [InlineData("04EDA080", true)] // a surrogate
    [InlineData("03C080", true)] // an over-long form of zero
    [InlineData("000461", false)] // longer than what is there
    [InlineData("0561", true)]
    [InlineData("FFFFFFFF0F61", true)]
    public void A_string_that_is_null_negative_too_long_or_not_text_is_refused(string hex, bool isFlexible) =>
        Refused(hex, (ref MessageReader reader) => reader.ReadString(isFlexible));

    [Fact]
    public void A_string_has_at_most_32767_bytes_in_either_form()
    {
        var text = new string('x', 32767);
        Assert.Equal(text, Reader("808002" + string.Concat(Enumerable.Repeat("78", 32767))).ReadString(true));
        Refused("818002" + string.Concat(Enumerable.Repeat("78", 32768)), static (ref MessageReader reader) => reader.ReadString(true));
    }

    [Theory]
    [InlineData("FFFFFFFE", false)]
    [InlineData("80000000", false)]
    [InlineData("00000001", false)]
    [InlineData("02", true)]
    [InlineData("FFFFFFFF0F", true)]
    public void Bytes_of_a_negative_length_or_more_than_there_are_are_refused(string hex, bool isFlexible)
    {
        Refused(hex, (ref MessageReader reader) => reader.ReadNullableBytes(isFlexible));
        Refused(hex, (ref MessageReader reader) => reader.ReadNullableRecords(isFlexible));
    }

    [Fact]
    public void Bytes_are_slices_and_null_is_not_empty()
    {
        byte[] bytes = [0, 0, 0, 2, 7, 8];
        var slice = new MessageReader(bytes).ReadBytes(false);
        bytes[4] = 9;
        Assert.Equal([9, 8], slice.ToArray());

        Assert.Null(Reader("FFFFFFFF").ReadNullableBytes(false));
        Assert.Equal(0, Reader("00000000").ReadNullableBytes(false)!.Value.Length);
        Assert.True(Reader("FFFFFFFF").ReadNullableRecords(false).IsNull);
        Assert.False(Reader("01").ReadNullableRecords(true).IsNull);
    }

    [Theory]
    [InlineData("FFFFFFFE", false)] // -2 elements
    [InlineData("7FFFFFFF", false)] // two thousand million
    [InlineData("00000002" + "00000001", false)] // two claimed, one there
    [InlineData("FFFFFFFF0F", true)]
    [InlineData("03" + "00000001", true)]
    public void An_array_of_more_than_fits_is_refused(string hex, bool isFlexible) =>
        Refused(hex, (ref MessageReader reader) => reader.ReadNullableInt32Array(isFlexible));

    [Fact]
    public void A_count_costs_nothing_until_its_elements_can_be_there()
    {
        var bytes = Convert.FromHexString("0FFFFFFF" + "00");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<MalformedMessageException>(() => new MessageReader(bytes).ReadNullableStringArray(false));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8192);
    }

    [Theory]
    [InlineData("FF", false)]
    [InlineData("01", true)]
    [InlineData("00", true)]
    public void A_nullable_struct_says_whether_it_is_there(string hex, bool expected) => Assert.Equal(expected, Reader(hex).ReadPresence());

    [Fact]
    public void A_presence_below_minus_one_is_refused() => Refused("FE", static (ref MessageReader reader) => reader.ReadPresence());

    [Theory]
    [InlineData("00")]
    [InlineData("01" + "0000")]
    [InlineData("02" + "0501AA" + "0600")]
    [InlineData("01" + "FFFFFFFF0F" + "00")]
    public void Unknown_tags_are_passed_over(string hex)
    {
        var reader = Reader(hex);
        reader.SkipTags();
        reader.ExpectEnd();
    }

    [Theory]
    [InlineData("01")] // no tag
    [InlineData("01" + "00")] // no size
    [InlineData("01" + "0001")] // no payload
    [InlineData("02" + "0100" + "0100")] // twice the same
    [InlineData("02" + "0100" + "0000")] // descending
    [InlineData("FFFFFFFF0F" + "0000")] // four thousand million
    [InlineData("01" + "00FFFFFFFF0F")] // a payload of four gigabytes
    public void Tags_that_lie_are_refused(string hex) => Refused(hex, static (ref MessageReader reader) => reader.SkipTags());

    [Fact]
    public void A_payload_is_read_to_its_end_and_no_further()
    {
        var reader = Reader("02" + "0001" + "0000");
        Assert.Equal(2, reader.ReadTagCount());
        Assert.Equal(0, reader.ReadTag(-1));
        var outer = reader.EnterTag();
        Assert.Equal(1, reader.Remaining);
        Refuses(ref reader, static (ref MessageReader payload) => payload.ReadInt16());
        Refuses(ref reader, (ref MessageReader payload) => payload.LeaveTag(outer));
    }

    [Fact]
    public void Bytes_after_the_end_are_noticed() => Refused("00", static (ref MessageReader reader) => reader.ExpectEnd());

    private delegate void Reading(ref MessageReader reader);

    private static MessageReader Reader(string hex) => new(Convert.FromHexString(hex));

    private static void Refused(string hex, Reading read)
    {
        var reader = Reader(hex);
        Refuses(ref reader, read);
    }

    private static void Refuses(ref MessageReader reader, Reading read)
    {
        try
        {
            read(ref reader);
        }
        catch (MalformedMessageException)
        {
            return;
        }
        Assert.Fail("it was read");
    }
}
