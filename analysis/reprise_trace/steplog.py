"""A trace as the lines of `engine-step-log/1`, from which recordings are made."""

from collections.abc import Iterator

from .model import ABSENT, Trace

_NANOSECONDS = (
    ("schedule_start", "schedule_start", 10**9),
    ("schedule_end", "schedule_end", 10**9),
    ("output", "output", 10**9),
    ("gpu_ms", "gpu_time", 10**6),
    ("forward_ms", "forward_time", 10**6),
)
_COUNTS = ("waiting", "running", "free_kv_blocks")


def to_step_log(trace: Trace) -> Iterator[dict]:
    """The dictionaries, in the order in which `reprise trace export` prints them."""
    yield {"kind": "header", "schema": "engine-step-log/1"} | trace.header
    ids = trace.requests.id.tolist()
    for place, identity in enumerate(ids):
        line = {
            "kind": "request",
            "id": identity,
            "arrival": int(trace.requests.arrival[place]) / 10**9,
            "prompt_tokens": int(trace.requests.prompt_tokens[place]),
            "output_tokens": int(trace.requests.output_tokens[place]),
        }
        limit = int(trace.requests.output_limit[place])
        if limit != ABSENT:
            line["output_limit"] = limit
        blocks = trace.requests.prefix_blocks[place].tolist()
        yield line | ({"prefix_blocks": blocks} if blocks else {})
    gaps = list(zip(trace.gaps.after_step.tolist(), trace.gaps.dropped_steps.tolist(), strict=True))
    next_gap = 0
    for index, number in enumerate(trace.steps.number.tolist()):
        while next_gap < len(gaps) and gaps[next_gap][0] < number:
            yield _gap(*gaps[next_gap])
            next_gap += 1
        yield _step(trace, ids, index)
    for gap in gaps[next_gap:]:
        yield _gap(*gap)


def _gap(after: int, dropped: int) -> dict:
    return {"kind": "gap", "after_step": after, "dropped_steps": dropped}


def _step(trace: Trace, ids: list[int], index: int) -> dict:
    steps = trace.steps
    line = {"kind": "step", "step": int(steps.number[index])}
    for key, name, units in _NANOSECONDS:
        value = int(getattr(steps, name)[index])
        if value != ABSENT:
            line[key] = value / units
    for key in _COUNTS:
        value = int(getattr(steps, key)[index])
        if value != ABSENT:
            line[key] = value
    line["batch"] = [[ids[row[0]], row[1], row[2]] for row in steps.rows(index).tolist()]
    for key in ("preempted", "finished"):
        named = getattr(steps, key)[index].tolist()
        if named:
            line[key] = [ids[place] for place in named]
    return line
