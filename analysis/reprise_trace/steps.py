"""Section 7 of FORMAT.md: chunks of steps."""

import numpy as np

from . import limits
from .clock import Clock
from .content import Content
from .errors import check
from .model import ABSENT, Lists, Steps
from .rows import Rows

_SCALARS = (
    "number", "schedule_start", "schedule_end", "output", "gpu_time", "forward_time",
    "waiting", "running", "free_kv_blocks",
)  # fmt: skip


class StepCollector:
    """Collects the steps of chunk after chunk into arrays."""

    def __init__(self, prompts: np.ndarray, outputs: np.ndarray):
        self.prompts = prompts
        self.ends = np.minimum(prompts + outputs - 1, limits.TOKENS)
        self.scalars: list[tuple] = []
        self.rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.finished: list[list[int]] = []
        self.preempted: list[list[int]] = []

    def add(self, content: Content) -> None:
        check(content.count == 0 or 1 <= content.planes(1) <= 8, "the column of flags is missing")
        chunk = _Chunk(content, self.prompts, self.ends)
        rows = 0
        for index in range(content.count):
            scalars, finished, preempted = chunk.step(index)
            rows += len(chunk.rows.request)
            check(rows <= limits.ROWS_PER_CHUNK, "too many rows in a chunk")
            self.scalars.append(scalars)
            self.rows.append((chunk.rows.request, chunk.rows.computed, chunk.rows.query))
            self.finished.append(finished)
            self.preempted.append(preempted)
        check(chunk.events.at_end(), "events behind the last step")

    def steps(self, keep: slice | np.ndarray = slice(None)) -> Steps:
        """The steps collected, or some of them."""
        kept = np.arange(len(self.scalars))[keep].tolist()
        scalars = np.array([self.scalars[i] for i in kept], np.int64).reshape(-1, len(_SCALARS))
        rows = [self.rows[i] for i in kept]
        empty = [np.zeros(0, np.int64)]
        columns = [np.concatenate([row[part] for row in rows] or empty) for part in range(3)]
        return Steps(
            **{name: scalars[:, index].copy() for index, name in enumerate(_SCALARS)},
            row_offsets=_offsets([row[0] for row in rows]),
            row_request=columns[0],
            row_computed=columns[1],
            row_query=columns[2],
            finished=_lists([self.finished[i] for i in kept]),
            preempted=_lists([self.preempted[i] for i in kept]),
        )


def _offsets(lists: list) -> np.ndarray:
    return np.cumsum([0] + [len(part) for part in lists])


def _lists(lists: list[list[int]]) -> Lists:
    return Lists(_offsets(lists), np.array([v for part in lists for v in part], np.int64))


class _Chunk:
    def __init__(self, content: Content, prompts: np.ndarray, ends: np.ndarray):
        number = limits.STEP_NUMBER
        self.clock = Clock(
            10 ** content.parameter(1, 3, 0, 3),
            10 ** content.parameter(2, 2, 0, 3),
            content.parameter(3, 0, -limits.TIME, limits.TIME),
            content.parameter(8, 2, 1, 2),
            content.parameter(9, 0, 0, 2),
        )
        self.number = content.parameter(4, 0, -number, number) - 1
        self.rows = Rows(prompts, ends, content.parameter(5, 0, 0, limits.TOKENS))
        self.block_size = content.parameter(6, 0, 0, limits.TOKENS)
        self.lag = content.parameter(7, 2, 1, 3)
        self.flags = content.unsigned(1).tolist()
        self.times = list(zip(*(content.signed(c).tolist() for c in range(2, 7)), strict=True))
        self.counts = list(zip(*(content.signed(c).tolist() for c in range(7, 10)), strict=True))
        self.events = content.stream(10)
        self.request_count = len(prompts)
        #: Requests done in the last steps, the newest first.
        self.done: list[list[tuple[int, int]]] = []
        self.waiting = self.free = self.used = 0

    def step(self, index: int) -> tuple[tuple, list[int], list[int]]:
        flags = self.flags[index]
        check(flags < 1024, "a step has unknown flags")
        self.rows.predict()
        self.done = [self.rows.done, *self.done[:2]]
        self.number += 1 + (self.events.unsigned(2 * limits.STEP_NUMBER) if flags & 2 else 0)
        check(self.number <= limits.STEP_NUMBER, "a step's number is out of range")
        if flags & 1:
            self.rows.edit(self.events)
        # done(n - L) is the L-th newest.
        ended = self.done[self.lag - 1] if len(self.done) >= self.lag else []
        finished = self._list() if flags & 4 else [request for request, _ in ended]
        preempted = self._list() if flags & 8 else []
        start, end, output, gpu, forward = self.clock.step(
            self.times[index], not flags & 16, not flags & 32, not flags & 64, self.rows.is_decode
        )
        unit, gpu_unit = self.clock.unit, self.clock.gpu_unit
        scalars = (
            self.number,
            *(_time(value, unit) for value in (start, end, output)),
            *(_time(value, gpu_unit, limits.GPU_TIME) for value in (gpu, forward)),
            *self._counts(self.counts[index], flags, len(preempted)),
        )
        return scalars, finished, preempted

    def _list(self) -> list[int]:
        requests, request = [], 0
        for _ in range(self.events.unsigned(limits.ROWS)):
            request += self.events.signed()
            check(0 <= request < self.request_count, "a list names an unknown request")
            requests.append(request)
        return requests

    def _counts(self, stored, flags: int, preempted: int) -> tuple[int, int, int]:
        pending = [done for step in self.done[: self.lag - 1] for done in step]
        waiting = running = free = ABSENT
        if not flags & 256:
            expected = max(0, self.waiting - self.rows.admitted + preempted)
            waiting = self.waiting = _count(expected + stored[0])
        if not flags & 512:
            running = _count(len(self.rows.request) + len(pending) + stored[1])
        if not flags & 128:
            used = self._used(pending)
            free = _count(self.free + self.used - used + stored[2])
            self.free, self.used = free, used
        return waiting, running, free

    def _used(self, pending: list[tuple[int, int]]) -> int:
        if self.block_size == 0:
            return 0
        lengths = self.rows.computed + self.rows.query
        used = int((-(-lengths // self.block_size)).sum())
        return used + sum(-(-length // self.block_size) for _, length in pending)


def _time(value: int | None, unit: int, most: int = limits.TIME) -> int:
    if value is None:
        return ABSENT
    check(abs(value * unit) <= most, "a time is out of range")
    return value * unit


def _count(value: int) -> int:
    check(-(1 << 31) <= value < 1 << 31, "a count is out of range")
    return value
