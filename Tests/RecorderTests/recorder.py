"""The C interface of libRepriseRecorder.so, as tests call it, and a log of what they passed in."""

import ctypes
import json
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field

OK, DROPPED, INVALID, ENDED = 0, 1, -1, -2
UNKNOWN_TOKENS = 2**32 - 1

_NUMBERS = POINTER(c_uint32)


class StepInfo(Structure):
    _fields_ = [
        ("number", c_int64),
        ("schedule_start_ns", c_int64),
        ("schedule_end_ns", c_int64),
        ("waiting", c_int32),
        ("running", c_int32),
        ("free_kv_blocks", c_int32),
        ("reserved", c_int32),
        ("preempted", _NUMBERS),
        ("preempted_count", c_size_t),
    ]


class Rows(Structure):
    _fields_ = [("request", _NUMBERS), ("computed", _NUMBERS), ("query", _NUMBERS), ("count", c_size_t)]


class Statistics(Structure):
    _fields_ = [
        *(
            (name, c_uint64)
            for name in (
                "steps",
                "dropped_steps",
                "written_steps",
                "gaps",
                "requests",
                "incomplete_requests",
                "invalid_calls",
                "bytes_written",
                "files",
                "ring_bytes",
                "ring_bytes_max",
            )
        ),
        ("state", c_int32),
        ("reserved", c_int32),
        ("path", c_char * 1024),
        ("last_error", c_char * 512),
    ]


def load(path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    signatures = {
        "abi_version": [],
        "open": [c_char_p, c_char_p, c_char_p, c_size_t],
        "add_request": [c_void_p, c_uint64, c_int64, c_uint32, c_uint32, POINTER(c_uint64), c_size_t],
        "step": [c_void_p, POINTER(StepInfo), POINTER(Rows)],
        "step_same": [c_void_p, c_int64, c_int64, c_int64, c_int32, c_int32, c_int32],
        "step_changed": [c_void_p, POINTER(StepInfo), _NUMBERS, c_size_t, POINTER(Rows), POINTER(Rows)],
        "output": [c_void_p, c_int64, c_int64, c_int64, _NUMBERS, _NUMBERS, c_size_t],
        "finish": [c_void_p, _NUMBERS, _NUMBERS, c_size_t],
        "gpu_time": [c_void_p, c_int64, c_int64, c_int64],
        "statistics": [c_void_p, POINTER(Statistics), c_size_t],
        "flush": [c_void_p, c_int64],
        "close": [c_void_p, POINTER(Statistics), c_size_t],
    }
    for name, arguments in signatures.items():
        function = getattr(library, "reprise_recorder_" + name)
        function.argtypes = arguments
        function.restype = c_void_p if name == "open" else c_int32
    assert library.reprise_recorder_abi_version() == 1
    return library


def numbers(values):
    return (c_uint32 * len(values))(*values)


def rows(values):
    columns = list(zip(*values, strict=True)) or [(), (), ()]
    return byref(Rows(*(numbers(column) for column in columns), len(values)))


class RecorderError(Exception):
    pass


@dataclass
class Recorder:
    """An open recorder that remembers the steps passed in, by number."""

    library: ctypes.CDLL
    path: str
    options: dict = field(default_factory=dict)
    header: dict = field(default_factory=lambda: {"engine": "test"})

    def __post_init__(self):
        error = ctypes.create_string_buffer(512)
        options = json.dumps({"path": str(self.path)} | self.options).encode()
        self.handle = self.library.reprise_recorder_open(options, json.dumps(self.header).encode(), error, len(error))
        if not self.handle:
            raise RecorderError(error.value.decode())
        self.batch: list[tuple[int, int, int]] = []
        self.passed: dict[int, list] = {}
        self.results: list[int] = []

    def _call(self, name, *arguments) -> int:
        return getattr(self.library, "reprise_recorder_" + name)(self.handle, *arguments)

    def add_request(self, request, arrival=0, prompt=1, limit=UNKNOWN_TOKENS, blocks=()):
        return self._call("add_request", request, arrival, prompt, limit, (c_uint64 * len(blocks))(*blocks), len(blocks))

    def _info(self, number, start, end, preempted, counts):
        return byref(StepInfo(number, start, end, *counts, 0, numbers(preempted), len(preempted)))

    def _note(self, number, batch, result):
        self.results.append(result)
        if result in (OK, DROPPED):
            self.batch = batch
            self.passed[number] = [list(row) for row in batch]
        return result

    def step(self, number, batch, start=0, end=0, preempted=(), counts=(-1, -1, -1)):
        info = self._info(number, start, end, preempted, counts)
        return self._note(number, list(batch), self._call("step", info, rows(batch)))

    def step_same(self, number, start=0, end=0, counts=(-1, -1, -1)):
        batch = [(request, computed + query, 1) for request, computed, query in self.batch]
        return self._note(number, batch, self._call("step_same", number, start, end, *counts))

    def step_changed(self, number, removed=(), changed=(), added=(), start=0, end=0, preempted=(), counts=(-1, -1, -1)):
        new = {row[0]: row for row in changed}
        batch = [
            new.get(request, (request, computed + query, 1))
            for request, computed, query in self.batch
            if request not in removed
        ] + list(added)
        result = self._call(
            "step_changed",
            self._info(number, start, end, preempted, counts),
            numbers(removed),
            len(removed),
            rows(changed),
            rows(added),
        )
        return self._note(number, batch, result)

    def output(self, number, time=0, gpu=-1, finished=(), tokens=None):
        known = None if tokens is None else numbers(tokens)
        return self._call("output", number, time, gpu, numbers(finished), known, len(finished))

    def finish(self, requests, tokens=None):
        return self._call("finish", numbers(requests), None if tokens is None else numbers(tokens), len(requests))

    def gpu_time(self, number, gpu, forward=-1):
        return self._call("gpu_time", number, gpu, forward)

    def statistics(self) -> Statistics:
        statistics = Statistics()
        self._call("statistics", byref(statistics), ctypes.sizeof(statistics))
        return statistics

    def flush(self, milliseconds=10000) -> int:
        return self._call("flush", milliseconds)

    def close(self) -> tuple[int, Statistics]:
        statistics = Statistics()
        result = self._call("close", byref(statistics), ctypes.sizeof(statistics))
        return result, statistics
