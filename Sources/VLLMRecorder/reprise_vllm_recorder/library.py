"""libRepriseRecorder.so through ctypes; `reprise_recorder.h` says what each function does.

Pointers are passed as numbers, so that a call makes no objects: who passes an address keeps the memory alive.
"""

import ctypes
import json
import os
import struct
from ctypes import c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

ABI = 1
NAME = "libRepriseRecorder.so"
OK = 0
DROPPED = 1
UNKNOWN_TOKENS = 2**32 - 1
UNKNOWN_TIME = -1

PREFIX = "reprise_recorder_"
SIGNATURES = {
    "add_request": [c_void_p, c_uint64, c_int64, c_uint32, c_uint32, c_void_p, c_size_t],
    "step": [c_void_p, c_void_p, c_void_p],
    "step_changed": [c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p],
    "output": [c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_size_t],
    "finish": [c_void_p, c_void_p, c_void_p, c_size_t],
    "gpu_time": [c_void_p, c_int64, c_int64, c_int64],
    "statistics": [c_void_p, c_void_p, c_size_t],
    "flush": [c_void_p, c_int64],
    "close": [c_void_p, c_void_p, c_size_t],
}
# These read or wait for files.
SLOW = ("statistics", "flush", "close")


class StepInfo(ctypes.Structure):
    """What a step says beside its rows; `preempted` is an address."""

    _fields_ = [
        ("number", c_int64),
        ("schedule_start_ns", c_int64),
        ("schedule_end_ns", c_int64),
        ("waiting", c_int32),
        ("running", c_int32),
        ("free_kv_blocks", c_int32),
        ("reserved", c_int32),
        ("preempted", c_size_t),
        ("preempted_count", c_size_t),
    ]


class Rows(ctypes.Structure):
    """Three columns of 32 bits; each is an address."""

    _fields_ = [("request", c_size_t), ("computed", c_size_t), ("query", c_size_t), ("count", c_size_t)]


# Sets a `StepInfo` at once: attribute by attribute takes five times as long.
pack_step = struct.Struct("@qqqiiiiNN").pack_into


def pass_rows(rows, columns):
    """Sets `rows` to columns, which stay alive as long as the caller keeps them; its address."""
    request, computed, query = columns
    rows.request, rows.count = request.buffer_info()
    rows.computed = computed.buffer_info()[0]
    rows.query = query.buffer_info()[0]
    return ctypes.addressof(rows)


class Statistics(ctypes.Structure):
    """What a recorder has done so far."""

    _fields_ = [
        ("steps", c_uint64),
        ("dropped_steps", c_uint64),
        ("written_steps", c_uint64),
        ("gaps", c_uint64),
        ("requests", c_uint64),
        ("incomplete_requests", c_uint64),
        ("invalid_calls", c_uint64),
        ("bytes_written", c_uint64),
        ("files", c_uint64),
        ("ring_bytes", c_uint64),
        ("ring_bytes_max", c_uint64),
        ("state", c_int32),
        ("reserved", c_int32),
        ("path", ctypes.c_char * 1024),
        ("last_error", ctypes.c_char * 512),
    ]


class LibraryError(Exception):
    """The library cannot be found, is another version, or cannot open a trace."""


def find():
    """The library that REPRISE_RECORDER_LIBRARY names, else the package's own, else one on the loader's path."""
    named = os.environ.get("REPRISE_RECORDER_LIBRARY")
    own = Path(__file__).with_name(NAME)
    return named or (str(own) if own.is_file() else NAME)


def load():
    """The library, with the types of its functions set."""
    path = find()
    try:
        library = ctypes.CDLL(path)
        abi = library.reprise_recorder_abi_version
    except (OSError, AttributeError) as error:
        raise LibraryError(f"{error}; set REPRISE_RECORDER_LIBRARY to {NAME}") from None
    abi.argtypes, abi.restype = [], c_int32
    if abi() != ABI:
        raise LibraryError(f"{path} has interface {abi()}, this plugin needs {ABI}: install both from one version")
    opening = library.reprise_recorder_open
    opening.argtypes, opening.restype = [c_char_p, c_char_p, c_char_p, c_size_t], c_void_p
    # The calls that never wait keep Python's lock, which other threads would take from the engine's meanwhile.
    quick = ctypes.PyDLL(path)
    for name, arguments in SIGNATURES.items():
        if name not in SLOW:
            setattr(library, PREFIX + name, getattr(quick, PREFIX + name))
        function = getattr(library, PREFIX + name)
        function.argtypes, function.restype = arguments, c_int32
    return library


class Recorder:
    """An open trace. The functions of the library are its attributes; they take `handle` first."""

    def __init__(self, library, options, header):
        error = ctypes.create_string_buffer(1024)
        handle = library.reprise_recorder_open(
            json.dumps(options).encode(), json.dumps(header).encode(), error, len(error)
        )
        if not handle:
            raise LibraryError(error.value.decode(errors="replace"))
        self.handle = handle
        for name in SIGNATURES:
            setattr(self, name, getattr(library, PREFIX + name))

    def read_statistics(self):
        """What has been recorded, as a `Statistics`."""
        statistics = Statistics()
        self.statistics(self.handle, ctypes.addressof(statistics), ctypes.sizeof(statistics))
        return statistics

    def finish_file(self):
        """Completes the trace, once; what has been recorded, as a `Statistics`."""
        statistics = Statistics()
        handle, self.handle = self.handle, None
        if handle:
            self.close(handle, ctypes.addressof(statistics), ctypes.sizeof(statistics))
        return statistics
