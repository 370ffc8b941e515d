"""Section 1 of FORMAT.md: checksums, varints, and sums modulo 2^64."""

from .errors import check

MASK = (1 << 64) - 1


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum."""
    value = 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def wrap(value: int) -> int:
    """A signed 64-bit number with the same remainder modulo 2^64."""
    value &= MASK
    return value - (1 << 64) if value >> 63 else value


def unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))


class Stream:
    """Takes varints off the front of bytes."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def at_end(self) -> bool:
        return self.position == len(self.data)

    def unsigned(self, limit: int = MASK) -> int:
        value = shift = 0
        while True:
            check(self.position < len(self.data), "ends inside a number")
            byte = self.data[self.position]
            self.position += 1
            check(shift < 63 or byte <= 1, "a number has more than 64 bits")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                check(value <= limit, f"{value} where at most {limit} can be")
                return value

    def signed(self) -> int:
        return unzigzag(self.unsigned())

    def take(self, count: int) -> bytes:
        check(count <= len(self.data) - self.position, "a column is cut short")
        self.position += count
        return self.data[self.position - count : self.position]
