"""Reads `.reprise` traces. Written from Sources/TraceFile/FORMAT.md alone, so that it checks document and program against each other."""

import json
import struct
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy
import zstandard

from reprise_content import (
    ABSENT, OFFSETS, RAGGED_COLUMNS, REQUEST_COLUMNS, STEP_COLUMNS, read_gaps, read_requests, read_steps, varints, zigzag,
)  # fmt: skip

MAGIC, VERSION, START = b"\x89REPRISE", 1, 16
CHUNK_HEADER, TAIL = struct.Struct("<4s5IQII"), struct.Struct("<QII8s")
HEADER, REQUESTS, STEPS, GAPS, INDEX = range(1, 6)
CONTENT_MAX, CONTENT_ANY_RATIO, RATIO_MAX = 64 << 20, 1 << 20, 1024

STEP_LOG = [  # key in engine-step-log/1, column, how many of its units are one of the log's
    ("schedule_start", "schedule_start_us", 10**6),
    ("schedule_end", "schedule_end_us", 10**6),
    ("output", "output_us", 10**6),
    ("gpu_ms", "gpu_tenths_us", 10**4),
    ("forward_ms", "forward_tenths_us", 10**4),
    ("waiting", "waiting", 1),
    ("running", "running", 1),
    ("free_kv_blocks", "free_kv_blocks", 1),
]


class TraceError(Exception):
    """Says what is wrong, in which chunk of the file (None outside of chunks), and the byte where that starts."""

    def __init__(self, message, chunk=None, offset=0):
        super().__init__(f"byte {offset}{'' if chunk is None else f', chunk {chunk}'}: {message}")
        self.chunk, self.offset = chunk, offset


@dataclass
class Trace:
    """Columns are int64 arrays by name, one value an item; `requests["prefix_blocks"]` is a list of uint64 arrays.

    Rows of step i are `row_offsets[i]:row_offsets[i + 1]` of `request`, `computed`, `new_tokens`; likewise `preempted_offsets` for
    `preempted` and `finished_offsets` for `finished`. All of these name requests by their place in `requests`.
    """

    header: dict
    requests: dict
    gaps: dict
    steps: dict


def crc_table():
    table = range(256)
    for _ in range(8):
        table = [value >> 1 ^ (0x82F63B78 if value & 1 else 0) for value in table]
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for octet in data:
        crc = CRC_TABLE[(crc ^ octet) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@dataclass
class Chunk:
    number: int
    offset: int
    kind: int
    items: int
    first: int
    content_bytes: int
    payload: bytes

    @property
    def end(self):
        return self.offset + CHUNK_HEADER.size + len(self.payload)

    def content(self):
        if self.content_bytes > min(CONTENT_MAX, max(CONTENT_ANY_RATIO, RATIO_MAX * len(self.payload))):
            raise ValueError(f"claims {self.content_bytes} bytes of content")
        frame = zstandard.get_frame_parameters(self.payload)
        if frame.content_size != self.content_bytes or not frame.has_checksum:
            raise ValueError("the zstd frame has no checksum or another size")
        return zstandard.ZstdDecompressor().decompress(self.payload, allow_extra_data=False)


def read_chunk(data, offset, number):
    """The chunk at `offset`; `data` ends where the chunks end."""
    if len(data) - offset < CHUNK_HEADER.size:
        raise TraceError("the chunk is cut", number, offset)
    mark, kind, size, content_bytes, items, zero, first, crc, own_crc = CHUNK_HEADER.unpack_from(data, offset)
    if mark != b"RCHK" or zero or crc32c(data[offset : offset + 36]) != own_crc:
        raise TraceError("not the header of a chunk", number, offset)
    payload = data[offset + CHUNK_HEADER.size : offset + CHUNK_HEADER.size + size]
    if len(payload) != size or crc32c(payload) != crc:
        raise TraceError("the payload is cut or not what was written", number, offset)
    return Chunk(number, offset, kind, items, first, content_bytes, payload)


class Reading:
    """What the chunks read so far held, as lists, and what the index should say of them."""

    def __init__(self):
        self.header, self.places, self.index = None, Counter(), []
        self.requests = {name: [] for name in [*REQUEST_COLUMNS, "prefix_blocks"]}
        self.gaps = {"after_step": [], "dropped_steps": []}
        self.steps = {name: [] for name in STEP_COLUMNS + RAGGED_COLUMNS} | {name: [0] for name in OFFSETS}

    def add(self, chunk):
        entry = (chunk.kind, chunk.offset, chunk.end - chunk.offset, chunk.items)
        if chunk.first != self.places[chunk.kind]:
            raise ValueError(f"its first item is not number {self.places[chunk.kind]}")
        self.places[chunk.kind] += chunk.items
        if (self.header is None) != (chunk.kind == HEADER):
            raise ValueError("the header is not the first chunk, or there are two")
        if chunk.kind == HEADER:
            self.header = json.loads(chunk.content().decode("utf-8"), parse_constant=refuse)
            if chunk.items != 1 or not isinstance(self.header, dict):
                raise ValueError("the header is not one object")
        elif chunk.kind == REQUESTS:
            read_requests(chunk.content(), chunk.items, self.requests)
        elif chunk.kind == STEPS:
            entry += read_steps(chunk.content(), chunk.items, self.requests, self.steps)
        elif chunk.kind == GAPS:
            read_gaps(chunk.content(), chunk.items, self.gaps)
        elif chunk.kind == INDEX and read_index(chunk.content()) != self.index:
            raise ValueError("the index does not list the chunks before it")
        self.index.append(entry)

    def trace(self):
        blocks = {"prefix_blocks": self.requests.pop("prefix_blocks")}
        return Trace(self.header, arrays(self.requests) | blocks, arrays(self.gaps), arrays(self.steps))


def refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def arrays(lists):
    return {name: numpy.array(values, numpy.int64) for name, values in lists.items()}


def read_index(content):
    values = iter(varints(content))
    entries, offset, start = [], START, 0
    for _ in range(next(values)):
        kind, offset, size, items = next(values), offset + next(values), next(values), next(values)
        entries.append((kind, offset, size, items))
        offset += size
        if kind == STEPS:
            start += zigzag(next(values))
            entries[-1] += start, zigzag(next(values))
    if next(values, None) is not None:
        raise ValueError("numbers behind the index")
    return entries


def read_chunks(data, partial):
    """Reads chunks to the end of `data`, or of a partial file to the first that is not whole; returns them and the last chunk."""
    if len(data) < START or data[:8] != MAGIC or crc32c(data[:12]) != int.from_bytes(data[12:START], "little"):
        raise TraceError("not a trace")
    if int.from_bytes(data[8:12], "little") != VERSION:
        raise TraceError("of another version of the format")
    reading, chunk, offset = Reading(), None, START
    while offset < len(data):
        try:
            chunk = read_chunk(data, offset, chunk.number + 1 if chunk else 0)
        except TraceError:
            if partial:
                break
            raise
        if partial and chunk.kind == INDEX:
            break
        try:
            reading.add(chunk)
        except StopIteration:
            raise TraceError("a column is too short", chunk.number, offset) from None
        except (ValueError, OverflowError, RecursionError, struct.error, zstandard.ZstdError) as error:
            raise TraceError(str(error), chunk.number, offset) from None
        offset = chunk.end
    if reading.header is None:
        raise TraceError("no header", None, START)
    try:
        return reading.trace(), chunk
    except OverflowError:
        raise TraceError("a value of more than 64 bits") from None


def read(path):
    data = Path(path).read_bytes()
    if len(data) < START + TAIL.size:
        raise TraceError("too short for a trace", None, len(data))
    end = len(data) - TAIL.size
    offset, size, crc, mark = TAIL.unpack_from(data, end)
    if mark != b"REPREND\n" or crc32c(data[end : end + 12]) != crc or offset + size != end:
        raise TraceError("the end of the file is missing or wrong", None, end)
    trace, last = read_chunks(data[:end], partial=False)
    if last.kind != INDEX or last.offset != offset:
        raise TraceError("the last chunk is not the index", last.number, last.offset)
    return trace


def read_partial(path):
    """What the whole chunks at the front of a file hold, be it without an end or damaged."""
    return read_chunks(Path(path).read_bytes(), partial=True)[0]


def to_step_log(trace):
    """The trace as engine-step-log/1: dictionaries, in the order in which the program exports them."""
    yield {"kind": "header", "schema": "engine-step-log/1"} | trace.header
    requests, steps = ({name: to_list(values) for name, values in table.items()} for table in (trace.requests, trace.steps))
    ids = requests["id"]
    for place, identity in enumerate(ids):
        line = {"kind": "request", "id": identity, "arrival": requests["arrival_us"][place] / 10**6}
        line |= {name: requests[name][place] for name in ("prompt_tokens", "output_tokens")}
        blocks = requests["prefix_blocks"][place]
        yield line | ({"prefix_blocks": blocks.tolist()} if len(blocks) else {})
    gaps = list(zip(*(values.tolist() for values in trace.gaps.values())))[::-1]
    rows = list(zip((ids[place] for place in steps["request"]), steps["computed"], steps["new_tokens"]))
    for place, number in enumerate(steps["number"]):
        while gaps and gaps[-1][0] < number:
            yield dict(zip(("kind", *trace.gaps), ("gap", *gaps.pop())))
        line = {"kind": "step", "step": number}
        for key, column, units in STEP_LOG:
            value = steps[column][place]
            if value != ABSENT:
                line[key] = value if units == 1 else value / units
        line["batch"] = [list(row) for row in rows[slice(*steps["row_offsets"][place : place + 2])]]
        for key in ("preempted", "finished"):
            named = steps[key][slice(*steps[key + "_offsets"][place : place + 2])]
            if named:
                line[key] = [ids[request] for request in named]
        yield line
    for gap in reversed(gaps):
        yield dict(zip(("kind", *trace.gaps), ("gap", *gap)))


def to_list(values):
    return values.tolist() if isinstance(values, numpy.ndarray) else values


if __name__ == "__main__":
    try:
        found = read(sys.argv[1])
    except (TraceError, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    print(f"requests {len(found.requests['id'])}")
    print(f"prefix_blocks {sum(map(len, found.requests['prefix_blocks']))}")
    for name, column in (("steps", "number"), ("rows", "request"), ("preempted", "preempted"), ("finished", "finished")):
        print(f"{name} {len(found.steps[column])}")
    print(f"gaps {len(found.gaps['after_step'])}")
    print(f"dropped_steps {found.gaps['dropped_steps'].sum()}")
