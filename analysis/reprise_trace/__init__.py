"""Reads `.reprise` traces: a second reader, written from Sources/TraceFile/FORMAT.md alone.

>>> trace = reprise_trace.read("run.reprise")
>>> trace.header["engine"], len(trace.requests), len(trace.steps)
>>> trace.steps.gpu_time  # nanoseconds; ABSENT where a step has none
>>> trace.steps.rows(17)  # the batch of step 17: request, computed, query
"""

from .errors import TraceError
from .model import ABSENT, Gaps, Requests, Steps, Trace
from .reader import TraceFile, read, read_partial
from .steplog import to_step_log

__all__ = [
    "ABSENT", "Gaps", "Requests", "Steps", "Trace", "TraceError", "TraceFile", "read",
    "read_partial", "to_step_log",
]  # fmt: skip
