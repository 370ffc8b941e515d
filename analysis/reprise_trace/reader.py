"""Reading whole traces, or parts of them."""

import json
import os
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from . import chunks
from . import requests as coding
from .chunks import ChunkFile, Entry, Header
from .content import Content
from .errors import TraceError, check
from .model import ABSENT, Gaps, Requests, Steps, Trace
from .steps import StepCollector

Result = TypeVar("Result")


class TraceFile:
    """An open trace. Steps can be read from any place; whole chunks are read, no others."""

    def __init__(self, path: str | os.PathLike, partial: bool = False):
        self._chunks = ChunkFile(path, partial)
        self._lengths: tuple[np.ndarray, np.ndarray] | None = None
        metadata = self._chunks.of(chunks.METADATA)
        if len(metadata) != 1 or metadata[0].place != 0:
            raise TraceError("the trace does not begin with its one header", offset=16)
        self.header: dict = self._decode(metadata[0], lambda _, content: _json(content))

    def __enter__(self) -> "TraceFile":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._chunks.close()

    @property
    def step_count(self) -> int:
        return sum(entry.items for entry in self._chunks.of(chunks.STEPS))

    @property
    def request_count(self) -> int:
        return sum(entry.items for entry in self._chunks.of(chunks.REQUESTS))

    def requests(self) -> Requests:
        """All requests, with their prefix blocks."""
        parts = self._all(chunks.REQUESTS, coding.requests)
        names = ("id", "arrival", "prompt_tokens", "output_tokens")
        columns = [_joined([getattr(part, name) for part in parts]) for name in names]
        requests = Requests(*columns)
        requests.prefix_blocks = [np.zeros(0, np.uint64)] * len(requests)
        for entry in self._chunks.of(chunks.PREFIX_BLOCKS):

            def blocks(header: Header, content: bytes, size: int = len(requests)):
                places = slice(header.first, header.first + header.items)
                check(places.stop <= size, "prefix blocks of requests that are not in the trace")
                prompts = requests.prompt_tokens[places]
                return places, coding.prefix_blocks(
                    Content(content, header.items), prompts, header.payload_bytes
                )

            places, lists = self._decode(entry, blocks)
            requests.prefix_blocks[places] = lists
        requests.output_limit = np.full(len(requests), ABSENT)
        for places, outputs in self._all(
            chunks.ENDS, lambda content: coding.ends(content, len(requests))
        ):
            first = places[requests.output_limit[places] == ABSENT]
            requests.output_limit[first] = requests.output_tokens[first]
            requests.output_tokens[places] = outputs
        return requests

    def steps(self, start: int = 0, stop: int | None = None) -> Steps:
        """The steps from one place, counted from 0, up to before another."""
        stop = self.step_count if stop is None else stop
        kept = [e for e in self._chunks.of(chunks.STEPS) if e.first + e.items > start and e.first < stop]
        collector = self._collect(kept)
        first = kept[0].first if kept else 0
        return collector.steps(slice(max(0, start - first), max(0, stop - first)))

    def steps_between(self, start: int, end: int) -> Steps:
        """The steps with start <= schedule_start < end, in nanoseconds."""
        kept = [e for e in self._chunks.of(chunks.STEPS) if e.latest >= start and e.earliest < end]
        collector = self._collect(kept)
        starts = np.array([scalars[1] for scalars in collector.scalars], np.int64)
        return collector.steps((starts >= start) & (starts < end))

    def gaps(self) -> Gaps:
        parts = self._all(chunks.GAPS, coding.gaps)
        return Gaps(
            _joined([part.after_step for part in parts]),
            _joined([part.dropped_steps for part in parts]),
        )

    def _collect(self, entries: list[Entry]) -> StepCollector:
        if self._lengths is None:
            parts = self._all(chunks.REQUESTS, coding.requests)
            self._lengths = (
                _joined([part.prompt_tokens for part in parts]),
                _joined([part.output_tokens for part in parts]),
            )
        collector = StepCollector(*self._lengths)
        for entry in entries:
            self._decode(
                entry, lambda header, content: collector.add(Content(content, header.items))
            )
        return collector

    def _all(self, kind: int, body: Callable[[Content], Result]) -> list[Result]:
        return [
            self._decode(entry, lambda header, content: body(Content(content, header.items)))
            for entry in self._chunks.of(kind)
        ]

    def _decode(self, entry: Entry, body: Callable[[Header, bytes], Result]) -> Result:
        try:
            return body(*self._chunks.content(entry))
        except TraceError as error:
            raise TraceError(error.what, entry.place, entry.offset) from None


def read(path: str | os.PathLike) -> Trace:
    """Reads a whole trace."""
    with TraceFile(path) as file:
        return Trace(file.header, file.requests(), file.steps(), file.gaps())


def read_partial(path: str | os.PathLike) -> Trace:
    """Reads the chunks that are whole at the front of a file that is unfinished or damaged."""
    with TraceFile(path, partial=True) as file:
        return Trace(file.header, file.requests(), file.steps(), file.gaps())


def _json(content: bytes) -> dict:
    try:
        header = json.loads(content.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"the header is not JSON: {error}") from None
    check(isinstance(header, dict), "the header is no object")
    return header


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
