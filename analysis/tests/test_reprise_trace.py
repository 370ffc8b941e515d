"""Holds the Python reader to the same committed files and values as the Swift one."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import reprise_trace
from reprise_trace import ABSENT, TraceError, limits
from reprise_trace.numbers import Stream, crc32c, unzigzag, wrap
from reprise_trace.steps import _time

TESTS = Path(__file__).parents[2] / "Tests" / "TraceFileTests"
FIXTURES = sorted((TESTS / "Fixtures").glob("*.reprise"))
CORRUPT = sorted((TESTS / "Corrupt").glob("*.reprise"))
COMMITTED = sorted((Path(__file__).parents[2] / "traces").glob("**/*.reprise"))


def values_of(trace: reprise_trace.Trace) -> dict:
    """A trace as the Swift tests print it."""

    def known(value):
        return None if value == ABSENT else int(value)

    requests, steps = trace.requests, trace.steps
    optional = ("output", "gpu_time", "forward_time", "waiting", "running", "free_kv_blocks")
    return {
        "header": trace.header,
        "requests": [
            {
                "id": int(requests.id[place]),
                "arrival": int(requests.arrival[place]),
                "prompt_tokens": int(requests.prompt_tokens[place]),
                "output_tokens": int(requests.output_tokens[place]),
                "prefix_blocks": [str(block) for block in requests.prefix_blocks[place]],
            }
            for place in range(len(requests))
        ],
        "steps": [
            {name: int(getattr(steps, name)[n]) for name in ("number", "schedule_start", "schedule_end")}
            | {name: known(getattr(steps, name)[n]) for name in optional}
            | {
                "rows": steps.rows(n).tolist(),
                "finished": steps.finished[n].tolist(),
                "preempted": steps.preempted[n].tolist(),
            }
            for n in range(len(steps))
        ],
        "gaps": [
            [int(after), int(dropped)]
            for after, dropped in zip(trace.gaps.after_step, trace.gaps.dropped_steps, strict=True)
        ],
    }


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_values_are_those_of_the_swift_reader(path):
    golden = json.loads((TESTS / "Golden" / f"{path.stem}.json").read_text())
    found = values_of(reprise_trace.read(path))
    assert found["header"] == golden["header"]
    for part in ("requests", "steps", "gaps"):
        assert len(found[part]) == len(golden[part])
        for one, other in zip(found[part], golden[part], strict=True):
            assert one == other


def test_a_gpu_time_has_a_limit_of_its_own():
    most = limits.GPU_TIME
    assert _time(most, 1, most) == most
    assert _time(most + 1, 1) == most + 1
    with pytest.raises(TraceError, match="out of range"):
        _time(most + 1, 1, most)


def test_there_are_fixtures():
    assert len(FIXTURES) >= 4


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_steps_from_anywhere_are_those_of_the_whole(path):
    with reprise_trace.TraceFile(path) as trace:
        whole = trace.steps()
        count = trace.step_count
        assert count == len(whole)
        for start in range(0, count + 2, 7):
            for stop in (start, start + 1, count, count + 3):
                part = trace.steps(start, stop)
                assert part.number.tolist() == whole.number[start:stop].tolist()
                for n in range(len(part)):
                    assert part.rows(n).tolist() == whole.rows(start + n).tolist()
        moments = whole.schedule_start.tolist()
        for start in (min(moments), moments[count // 3], max(moments) + 1):
            for end in (start, moments[count // 2], max(moments) + 1):
                part = trace.steps_between(start, end)
                kept = [n for n in range(count) if start <= moments[n] < end]
                assert part.number.tolist() == whole.number[kept].tolist()


def same(one, other) -> bool:
    return values_of(one) == values_of(other)


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_is_found_or_makes_no_difference(tmp_path, mask):
    source = next(path for path in FIXTURES if path.stem == "plain")
    data, whole = source.read_bytes(), reprise_trace.read(source)
    damaged = tmp_path / "damaged.reprise"
    found = 0
    for place in range(len(data)):
        damaged.write_bytes(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :])
        try:
            assert same(reprise_trace.read(damaged), whole), f"byte {place}"
        except TraceError:
            found += 1
    assert found == len(data)


def test_every_cut_is_found(tmp_path):
    data = FIXTURES[0].read_bytes()
    damaged = tmp_path / "damaged.reprise"
    for size in range(len(data)):
        damaged.write_bytes(data[:size])
        with pytest.raises(TraceError):
            reprise_trace.read(damaged)


@pytest.mark.parametrize("path", CORRUPT, ids=lambda path: path.stem)
def test_a_committed_corrupt_file_is_refused_before_it_allocates(path):
    tracemalloc.start()
    with pytest.raises(TraceError, match="not believed"):
        reprise_trace.read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_there_are_corrupt_files():
    assert CORRUPT


def test_an_error_names_chunk_and_offset(tmp_path):
    data = bytearray(FIXTURES[0].read_bytes())
    with reprise_trace.TraceFile(FIXTURES[0]) as trace:
        entry = trace._chunks.entries[-1]
    data[entry.offset + 45] ^= 1
    damaged = tmp_path / "damaged.reprise"
    damaged.write_bytes(data)
    with pytest.raises(TraceError, match=f"^chunk {entry.place}, byte {entry.offset}: "):
        reprise_trace.read(damaged)


def test_a_newer_version_is_refused(tmp_path):
    data = bytearray(FIXTURES[0].read_bytes())
    data[8] = 2
    data[12:16] = crc32c(bytes(data[:12])).to_bytes(4, "little")
    newer = tmp_path / "newer.reprise"
    newer.write_bytes(data)
    with pytest.raises(TraceError, match="version 2"):
        reprise_trace.read(newer)


def test_numbers_are_as_the_format_says():
    assert crc32c(b"123456789") == 0xE3069283
    assert [unzigzag(value) for value in range(5)] == [0, -1, 1, -2, 2]
    assert Stream(bytes([0xE5, 0x8E, 0x26])).unsigned() == 624485
    assert Stream(b"\xff" * 9 + b"\x01").unsigned() == 2**64 - 1
    for wrong in (b"", b"\x80", b"\xff" * 9 + b"\x02", b"\xff" * 10):
        with pytest.raises(TraceError):
            Stream(wrong).unsigned()
    assert wrap(2**63) == -(2**63) and wrap(-(2**63) - 1) == 2**63 - 1


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_traces_can_be_read(path):
    trace = reprise_trace.read(path)
    assert len(trace.requests) > 0
    assert (np.diff(trace.steps.number) > 0).all()
    assert (trace.steps.row_query >= 1).all()
    assert (trace.steps.row_request < len(trace.requests)).all()
