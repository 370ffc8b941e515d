"""What a trace holds, as arrays. Times are nanoseconds from the trace's time zero."""

from dataclasses import dataclass, field

import numpy as np

#: Stands in arrays for a value that a step does not have.
ABSENT = np.iinfo(np.int64).min


@dataclass
class Requests:
    """One entry a request; a request's index is its place, by which steps name it."""

    id: np.ndarray
    arrival: np.ndarray
    prompt_tokens: np.ndarray
    output_tokens: np.ndarray
    #: The most that it might generate, `ABSENT` where the trace does not say.
    output_limit: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    prefix_blocks: list[np.ndarray] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.id)


@dataclass
class Lists:
    """Lists of different lengths, one behind the other."""

    offsets: np.ndarray
    values: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]


@dataclass
class Steps:
    """One entry a step; the rows of all steps one behind the other."""

    number: np.ndarray
    schedule_start: np.ndarray
    schedule_end: np.ndarray
    output: np.ndarray
    gpu_time: np.ndarray
    forward_time: np.ndarray
    waiting: np.ndarray
    running: np.ndarray
    free_kv_blocks: np.ndarray
    row_offsets: np.ndarray
    row_request: np.ndarray
    row_computed: np.ndarray
    row_query: np.ndarray
    finished: Lists
    preempted: Lists

    def __len__(self) -> int:
        return len(self.number)

    def rows(self, index: int) -> np.ndarray:
        """The batch of a step: an array of (request, computed, query)."""
        part = slice(self.row_offsets[index], self.row_offsets[index + 1])
        return np.stack(
            [self.row_request[part], self.row_computed[part], self.row_query[part]], axis=1
        )


@dataclass
class Gaps:
    """Steps that the recorder dropped, and the step after which it did."""

    after_step: np.ndarray
    dropped_steps: np.ndarray

    def __len__(self) -> int:
        return len(self.after_step)


@dataclass
class Trace:
    header: dict
    requests: Requests
    steps: Steps
    gaps: Gaps
