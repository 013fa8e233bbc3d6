"""Record batches of magic 2: header, checksum, compression, records. No more than the description of the format says."""
import struct
import zlib
from collections import namedtuple

HEADER = struct.Struct(">qiibIhiqqqhii")
OVERHEAD = 12
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
XERIAL = b"\x82SNAPPY\x00"

Record = namedtuple("Record", "offset timestamp key value headers")


class Broken(Exception):
    """Bytes that are not what they should be."""


def crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


CRC = crc_table()


def crc32c(content):
    crc, table = 0xFFFFFFFF, CRC
    for byte in content:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def decompress(codec, content):
    if codec == "none":
        return content
    if codec == "gzip":
        return zlib.decompress(content, wbits=31)
    if codec == "lz4":
        import lz4.frame
        return lz4.frame.decompress(content)
    if codec == "zstd":
        import zstandard
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    import snappy
    if not content.startswith(XERIAL):
        return snappy.uncompress(content)
    blocks, position = [], 16
    while position < len(content):
        size, = struct.unpack_from(">i", content, position)
        blocks.append(snappy.uncompress(content[position + 4:position + 4 + size]))
        position += 4 + size
    return b"".join(blocks)


class Cursor:
    def __init__(self, content):
        self.content, self.position = content, 0

    def varint(self):
        value = shift = 0
        while True:
            if self.position >= len(self.content):
                raise Broken("a number goes on beyond the end")
            byte = self.content[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)
            shift += 7

    def take(self, size):
        if size < 0:
            return None
        if self.position + size > len(self.content):
            raise Broken(f"{size} bytes go on beyond the end")
        self.position += size
        return self.content[self.position - size:self.position]


class Batch:
    def __init__(self, content, position):
        (self.base_offset, length, self.leader_epoch, magic, crc, attributes, last_delta, self.base_timestamp, self.max_timestamp,
         self.producer_id, self.producer_epoch, self.base_sequence, count) = HEADER.unpack_from(content, position)
        self.position, self.size = position, OVERHEAD + length
        if magic != 2 or length < HEADER.size - OVERHEAD or position + self.size > len(content):
            raise Broken(f"no whole batch of magic 2 at {position}")
        if crc32c(content[position + 21:position + self.size]) != crc:
            raise Broken(f"the checksum of the batch at {position} is wrong")
        if attributes & ~0x7F or attributes & 7 >= len(CODECS):
            raise Broken(f"the batch at {position} has attributes {attributes:#x}")
        self.codec = CODECS[attributes & 7]
        self.is_append_time, self.is_transactional = bool(attributes & 8), bool(attributes & 16)
        self.is_control, self.has_horizon = bool(attributes & 32), bool(attributes & 64)
        self.last_offset = self.base_offset + last_delta
        self.records = list(self.read(content[position + HEADER.size:position + self.size], count))

    def read(self, content, count):
        cursor = Cursor(decompress(self.codec, content))
        previous = self.base_offset - 1
        for _ in range(count):
            length = cursor.varint()
            end = cursor.position + length
            attributes = cursor.take(1)
            timestamp = self.base_timestamp + cursor.varint()
            offset = self.base_offset + cursor.varint()
            key, value = cursor.take(cursor.varint()), cursor.take(cursor.varint())
            headers = [(cursor.take(cursor.varint()), cursor.take(cursor.varint())) for _ in range(cursor.varint())]
            if attributes != b"\0" or cursor.position != end or not previous < offset <= self.last_offset:
                raise Broken(f"the record at {offset}, in the batch at {self.position}, is not what its length and offset say")
            previous = offset
            yield Record(offset, self.max_timestamp if self.is_append_time else timestamp, key, value, headers)
        if cursor.position != len(cursor.content):
            raise Broken(f"the batch at {self.position} has more than its {count} records")


class Batches:
    """The batches of a file, one after the other; zeros that were preallocated end it."""

    def __init__(self, content):
        self.content = content

    def __iter__(self):
        position = 0
        while position < len(self.content):
            rest = self.content[position:position + HEADER.size]
            if not any(rest) and not any(self.content[position:]):
                return
            if len(rest) < HEADER.size:
                raise Broken(f"{len(rest)} bytes at {position} are no batch")
            batch = Batch(self.content, position)
            yield batch
            position += batch.size
