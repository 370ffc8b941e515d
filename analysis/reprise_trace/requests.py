"""Sections 5, 6 and 8 of FORMAT.md: requests, prefix blocks, gaps, ends."""

import numpy as np

from . import limits
from .content import Content
from .errors import check
from .model import Gaps, Requests
from .numbers import MASK, Stream


def requests(content: Content) -> Requests:
    unit = 10 ** content.parameter(1, 3, 0, 3)
    arrival = content.signed(2)
    ids = content.signed(1)
    count = content.count
    # numpy sums signed integers modulo 2^64, as the format does.
    places = np.arange(count, dtype=np.int64)
    ids = np.cumsum(ids) + places + np.int64(content.parameter(3, 0))
    ticks = np.cumsum(arrival) + np.int64(content.parameter(2, 0))
    most = limits.TIME // unit
    check(bool(((ticks >= -most) & (ticks <= most)).all()), "an arrival is out of range")
    prompt, output = content.unsigned(3), content.unsigned(4)
    check(
        bool((prompt <= limits.TOKENS).all() and (output <= limits.TOKENS).all()),
        "a request's tokens are out of range",
    )
    return Requests(ids, ticks * unit, prompt.astype(np.int64), output.astype(np.int64))


def prefix_blocks(content: Content, prompts: np.ndarray, payload_bytes: int) -> list[np.ndarray]:
    """The blocks of the requests that a chunk is about."""
    tokens = content.parameter(1, 0, 0, limits.TOKENS)
    stream = content.stream(2)
    left = min(
        limits.PREFIX_BLOCKS_PER_CHUNK, limits.PREFIX_BLOCKS_PER_PAYLOAD_BYTE * payload_bytes
    )
    chain = _Chain()
    lists = []
    for prompt, difference in zip(prompts.tolist(), content.signed(1).tolist(), strict=True):
        count = (-(-prompt // tokens) if tokens else 0) + difference
        check(
            0 <= count <= min(left, limits.PREFIX_BLOCKS_PER_REQUEST),
            f"{count} prefix blocks of one request",
        )
        left -= count
        lists.append(np.array(chain.blocks(count, stream), np.uint64))
    check(stream.at_end(), "runs of prefix blocks behind the last request")
    return lists


class _Chain:
    """What blocks of a chunk have followed which."""

    def __init__(self):
        self.follower: dict[int | None, int] = {}
        self.new = 0

    def blocks(self, count: int, stream: Stream) -> list[int]:
        blocks: list[int] = []
        # `first` is what follows none.
        last = None
        while len(blocks) < count:
            code = stream.unsigned()
            length, kind = code >> 2, code & 3
            left = count - len(blocks)
            check(kind < 3 and length <= left, "a run of prefix blocks cannot be")
            for _ in range(length or left):
                if kind == 0:
                    check(last in self.follower, "a prefix block is to follow one that nothing did")
                    block = self.follower[last]
                elif kind == 1:
                    block = self.new
                else:
                    block = (self.new + stream.signed()) & MASK
                self.follower[last] = last = block
                if block >= self.new:
                    self.new = (block + 1) & MASK
                blocks.append(block)
        return blocks


def ends(content: Content, requests: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of requests that ended, and the output tokens of each."""
    places = np.cumsum(content.signed(1)) + np.arange(content.count, dtype=np.int64)
    outputs = content.unsigned(2)
    check(
        bool(((places >= 0) & (places < requests)).all()),
        "the end of a request that is not in the trace",
    )
    check(bool((outputs <= limits.TOKENS).all()), "a request's tokens are out of range")
    return places, outputs.astype(np.int64)


def gaps(content: Content) -> Gaps:
    after = np.cumsum(content.signed(1)) - 1
    dropped = content.unsigned(2)
    within = np.all((after >= -limits.STEP_NUMBER) & (after <= limits.STEP_NUMBER))
    check(bool(within and (dropped <= limits.STEP_NUMBER).all()), "a gap is out of range")
    return Gaps(after, dropped.astype(np.int64))
