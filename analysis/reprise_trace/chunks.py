"""Sections 2 and 3 of FORMAT.md: the file as a row of chunks."""

import os
import struct
from dataclasses import dataclass

import zstandard

from . import limits
from .errors import TraceError, check
from .numbers import Stream, crc32c

METADATA, REQUESTS, STEPS, GAPS, INDEX, PREFIX_BLOCKS, ENDS = 1, 2, 3, 4, 5, 6, 7

_HEAD = b"\x89REPRISE"
_MARK = b"REPREND\n"


@dataclass
class Header:
    kind: int
    payload_bytes: int
    content_bytes: int
    items: int
    first: int
    payload_crc: int


@dataclass
class Entry:
    """A chunk as the index names it."""

    place: int
    kind: int
    offset: int
    size: int
    items: int
    first: int
    earliest: int
    latest: int


class ChunkFile:
    """An open trace; chunks are read one at a time.

    Of a partial file, without an index or damaged, the chunks are those whole at its front.
    """

    def __init__(self, path: str | os.PathLike, partial: bool = False):
        self.file = open(path, "rb")
        try:
            self.size = os.fstat(self.file.fileno()).st_size
            self._check_head()
            self.entries = self._whole_chunks() if partial else self._index()
        except BaseException:
            self.file.close()
            raise

    def close(self) -> None:
        self.file.close()

    def _bytes(self, offset: int, count: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(count)

    def _check_head(self) -> None:
        head = self._bytes(0, 16)
        if head[:8] != _HEAD:
            raise TraceError("not a .reprise trace", offset=0)
        if len(head) < 16:
            raise TraceError("the trace has no end mark", offset=len(head))
        version, crc = struct.unpack("<II", head[8:])
        if crc != crc32c(head[:12]):
            raise TraceError("the file's first 16 bytes do not match their checksum", offset=0)
        if version != 1:
            raise TraceError(f"format version {version} is not known to this reader", offset=8)

    def _index(self) -> list[Entry]:
        end = self.size - 24
        mark = self._bytes(max(end, 0), 24)
        if end < 16 or mark[16:] != _MARK or struct.unpack("<I", mark[12:16])[0] != crc32c(mark[:12]):
            raise TraceError("the trace has no end mark", offset=self.size)
        offset, size = struct.unpack("<QI", mark[:12])
        if offset < 16 or offset + size != end:
            raise TraceError("the end mark points outside of the file", offset=end)
        try:
            header, content = self._chunk(offset, size)
            check(header.kind == INDEX, "no index here")
            return self._entries(Stream(content), offset)
        except TraceError as error:
            raise TraceError(error.what, None, offset) from None

    def _whole_chunks(self) -> list[Entry]:
        entries: list[Entry] = []
        offset, places = 16, {}
        while True:
            head = self._bytes(offset, 40)
            try:
                size = 40 + struct.unpack("<I", head[8:12])[0] if len(head) == 40 else 0
                header, _ = self._payload(offset, size)
            except TraceError:
                return entries
            first = places.get(header.kind, 0)
            if header.kind == INDEX:
                return entries
            entries.append(Entry(len(entries), header.kind, offset, size, header.items, first, 0, 0))
            places[header.kind] = first + header.items
            offset += size

    @staticmethod
    def _entries(stream: Stream, file_end: int) -> list[Entry]:
        entries = []
        offset, time, places = 16, 0, {}
        for place in range(stream.unsigned(file_end // 40)):
            kind, size, items = stream.unsigned(2**32 - 1), stream.unsigned(), stream.unsigned()
            first = places.get(kind, 0)
            check(40 <= size <= file_end - offset, "the index names a chunk outside of the file")
            check(first + items <= limits.ITEMS, "too many items")
            earliest = latest = 0
            if kind == STEPS:
                time += stream.signed()
                earliest, latest = time, time + stream.unsigned()
                check(abs(time) <= limits.TIME, "the index has a time that is out of range")
            entries.append(Entry(place, kind, offset, size, items, first, earliest, latest))
            places[kind] = first + items
            offset += size
        check(offset == file_end and stream.at_end(), "the index does not account for all bytes")
        return entries

    def of(self, kind: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def content(self, entry: Entry) -> tuple[Header, bytes]:
        """A chunk's header and content, held against its checksums and the index."""
        header, content = self._chunk(entry.offset, entry.size)
        named = entry.kind == PREFIX_BLOCKS or header.first == entry.first
        check(
            header.kind == entry.kind and header.items == entry.items and named,
            "the chunk is not what the index says",
        )
        return header, content

    def _chunk(self, offset: int, size: int) -> tuple[Header, bytes]:
        header, payload = self._payload(offset, size)
        return header, _decompress(payload, header.content_bytes)

    def _payload(self, offset: int, size: int) -> tuple[Header, bytes]:
        head = self._bytes(offset, 40)
        check(len(head) == 40 and head[:4] == b"RCHK", "no chunk here")
        check(
            struct.unpack("<I", head[36:])[0] == crc32c(head[:36]),
            "a chunk's header does not match its checksum",
        )
        header = Header(*struct.unpack("<IIII4xQI", head[4:36]))
        _check_bounds(header)
        check(header.payload_bytes + 40 == size, "the chunk is not as long as was said")
        payload = self._bytes(offset + 40, header.payload_bytes)
        check(
            len(payload) == header.payload_bytes and crc32c(payload) == header.payload_crc,
            "the payload does not match its checksum",
        )
        return header, payload


def _check_bounds(header: Header) -> None:
    check(
        header.content_bytes
        <= min(limits.CONTENT_BYTES, limits.CONTENT_PER_PAYLOAD_BYTE * header.payload_bytes),
        f"{header.content_bytes} bytes of content are not believed",
    )
    justified = limits.ITEMS_PER_PAYLOAD_BYTE * header.payload_bytes
    most = {
        STEPS: limits.STEPS_PER_CHUNK,
        REQUESTS: min(limits.ITEMS_PER_CHUNK, justified),
        PREFIX_BLOCKS: min(limits.ITEMS_PER_CHUNK, justified),
        GAPS: min(limits.ITEMS_PER_CHUNK, justified),
        ENDS: min(limits.ITEMS_PER_CHUNK, justified),
    }.get(header.kind, limits.ITEMS)
    check(
        header.items <= most and header.first + header.items <= limits.ITEMS,
        f"{header.items} items are not believed",
    )


def _decompress(payload: bytes, size: int) -> bytes:
    """The content of the frame at the payload's start; what stands behind it is padding."""
    try:
        check(
            zstandard.frame_content_size(payload) == size,
            "the zstd frame does not state the size that the chunk does",
        )
        # Allocates the size that the frame states, which is bounded, and no more.
        return zstandard.ZstdDecompressor().decompress(payload)
    except zstandard.ZstdError as error:
        raise TraceError(f"zstd: {error}") from None
