"""vLLM's own scheduler, driven without a model, with a log of what it did that the plugin has no part in."""

import itertools
import json
import subprocess
from dataclasses import dataclass, field

import vllm_cases
import vllm_scheduler

ENGINE = vllm_cases.Engine(
    budget=2048, sequences=64, blocks=4096, block_size=16, caching=True, asynchronous=False, threshold=0,
    reserves=False, max_length=100_000)  # fmt: skip


@dataclass
class Step:
    """What a call of `schedule` gave, by the names of requests."""

    rows: list
    preempted: set
    waiting: int
    running: int
    free: int
    # Those that have ended since the step before.
    finished: set = field(default_factory=set)


class Driver:
    """A scheduler; what goes in and out of it, as the caller sees it."""

    def __init__(self, engine, model):
        vllm_scheduler.prepare()
        self.depth = 2 if engine.asynchronous else 1
        self.scheduler = vllm_scheduler.make_scheduler(engine, str(model))
        self.hasher = vllm_scheduler.block_hasher(engine.block_size)
        self.tokens = itertools.count(vllm_scheduler.GENERATED_TOKENS)
        self.in_flight = []
        self.steps = []
        self.requests = {}
        self.preempted = set()
        self.finished = set()

    def add(self, name, prompt, outputs):
        """A request; `prompt` is its tokens, or how many of its own."""
        if isinstance(prompt, int):
            start = vllm_scheduler.PRIVATE_TOKENS + len(self.requests) * vllm_scheduler.PRIVATE_TOKENS_PER_REQUEST
            prompt = range(start, start + prompt)
        request = vllm_scheduler.new_request(name, list(prompt), outputs, self.hasher)
        self.requests[name] = request
        self.scheduler.add_request(request)

    def schedule(self):
        """A step, noted here; its output comes with `deliver`."""
        before = list(self.scheduler.running)
        output = self.scheduler.schedule()
        # Before 0.12 vLLM does not say so.
        self.preempted |= {request.request_id for request in before if request.status.name == "PREEMPTED"}
        if hasattr(output, "preempted_req_ids"):
            assert self.preempted >= set(output.preempted_req_ids or ())
        self.finished |= output.finished_req_ids
        if not output.num_scheduled_tokens:
            return output
        cached = output.scheduled_cached_reqs
        computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
        computed |= {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
        counts = self.scheduler.get_request_counts()
        free = self.scheduler.kv_cache_manager.block_pool.get_num_free_blocks()
        rows = [(name, computed[name], count) for name, count in output.num_scheduled_tokens.items()]
        self.steps.append(Step(rows, self.preempted, counts[1], counts[0], free, self.finished))
        self.preempted, self.finished = set(), set()
        self.in_flight.append((output, vllm_scheduler.sampling_rows(self.scheduler, output)))
        return output

    def deliver(self):
        """The tokens of the oldest step that has none."""
        vllm_scheduler.deliver(self.scheduler, *self.in_flight.pop(0), self.tokens)

    def turn(self):
        """What the engine does in one round of its loop."""
        output = self.schedule()
        if len(self.in_flight) == self.depth or (self.in_flight and not output.num_scheduled_tokens):
            self.deliver()

    def run(self):
        """Rounds until all requests have ended, and the step has its output that older versions schedule beyond that."""
        while self.scheduler.has_unfinished_requests() or self.in_flight:
            self.turn()

    def close(self):
        """What the engine does at its end."""
        self.scheduler.shutdown()


class Trace:
    """A trace, as `reprise trace export` prints it."""

    def __init__(self, reprise, path):
        text = subprocess.run(
            [reprise, "trace", "export", path, "--format", "steps-jsonl"], check=True, capture_output=True, text=True
        ).stdout
        self.header, self.requests, self.steps, self.gaps = {}, {}, [], []
        for record in map(json.loads, text.splitlines()):
            match record["kind"]:
                case "header":
                    self.header = record
                case "request":
                    self.requests[record["id"]] = record
                case "step":
                    self.steps.append(record)
                case "gap":
                    self.gaps.append(record)


def assert_same(trace, steps, names=None):
    """The trace has the steps, row for row; numbers stand for names in the order of their first rows.

    Gives the names by number.
    """
    if names is None:
        names = list(dict.fromkeys(row[0] for step in steps for row in step.rows))
    known = set(names)
    assert len(trace.steps) == len(steps)
    assert not trace.gaps
    for recorded, step in zip(trace.steps, steps):
        rows = [(names[number], computed, query) for number, computed, query in recorded["batch"]]
        assert rows == step.rows, f"step {recorded['step']}"
        assert {names[number] for number in recorded.get("preempted", [])} == step.preempted
        assert {names[number] for number in recorded.get("finished", [])} == step.finished & known
        counts = (recorded["waiting"], recorded["running"], recorded["free_kv_blocks"])
        assert counts == (step.waiting, step.running, step.free)
        assert recorded["schedule_start"] <= recorded["schedule_end"] <= recorded["output"]
    return names
