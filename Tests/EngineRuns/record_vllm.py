"""Runs vLLM on a GPU with the recorder and writes, for each workload, the trace and what the callers saw.

    python record_vllm.py MODEL_FOLDER --policy vllm-default --output FOLDER --workloads random-qps3,mix-qps3 [--repeat 3] [--checks 16]
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

import workloads

SLOWEST_WORKLOAD_SECONDS = 120
# Fewer than either model has.
TOKEN_IDS = 128_000
# Of the cost of recording: requests that run at once, their tokens, and from which token on they are timed.
RUNNING, TOKENS, STEADY = 64, 130, 20


def log(*words):
    print(f"[{time.monotonic() - STARTED:7.1f}]", *words, flush=True)


STARTED = time.monotonic()


def engine_arguments(model, policy, prefix_caching=False, largest_graph=64):
    backend = "FLASH_ATTN" if policy == "flash-attention-3" else "TRITON_ATTN"
    return dict(
        model=str(model), served_model_name=Path(model).name, load_format="dummy", skip_tokenizer_init=True, dtype="bfloat16",
        max_model_len=32768, max_num_batched_tokens=8192, max_num_seqs=1024, enable_prefix_caching=prefix_caching,
        enable_chunked_prefill=True, async_scheduling=True, block_size=16, attention_backend=backend,
        gpu_memory_utilization=0.9, disable_log_stats=True, seed=0,
        compilation_config={"cudagraph_mode": "FULL_AND_PIECEWISE", "max_cudagraph_capture_size": largest_graph},
        worker_extension_cls="engine_controls.Controls",
    )  # fmt: skip


class Caller:
    """Asks an engine and notes when each token arrives."""

    def __init__(self, engine):
        self.engine = engine
        self.asked = self.runs = 0

    def tokens(self, number, prompt):
        """The tokens of a prompt, or of its pieces; no two runs have any in common."""
        pieces = prompt if isinstance(prompt, list) else [(number, prompt)]
        for name, count in pieces:
            dice = random.Random(f"{self.runs} {name}")
            yield from (dice.randrange(10, TOKEN_IDS) for _ in range(count))

    async def ask(self, number, moment, prompt, output, begin):
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        tokens = list(self.tokens(number, prompt))
        parameters = SamplingParams(
            max_tokens=output, temperature=0.0, ignore_eos=True, detokenize=False, output_kind=RequestOutputKind.DELTA
        )
        await asyncio.sleep(begin + moment - time.monotonic())
        self.asked += 1
        name = f"{os.getpid()}-{self.asked}"
        wall, sent, arrivals = time.time(), time.monotonic(), []
        async for message in self.engine.generate({"prompt_token_ids": tokens}, parameters, name):
            arrivals += [round(time.monotonic() - sent, 6)] * len(message.outputs[0].token_ids)
        return {"kind": "client", "id": number, "send_unix": wall, "tokens": arrivals}

    async def run(self, requests, lead=1.0):
        self.runs += 1
        begin = time.monotonic() + lead
        asked = (self.ask(number, *request, begin) for number, request in enumerate(requests))
        return await asyncio.wait_for(asyncio.gather(*asked), SLOWEST_WORKLOAD_SECONDS)


async def warm_up(caller):
    """Has kernels compiled for the shapes to come; in the trace of the warm-up, not in the others."""
    for requests in ([(0, 1000, 20)], [(0, 20_000, 8)] + [(0.01 * n, 700 + n, 40) for n in range(30)], [(0, 1000, 20)] * 3):
        await caller.run(requests, lead=0.1)


MODES = {"off": False, "on": False, "gpu-times": True}
# Of what recording costs at prompts: sizes, each with up to SPREAD tokens more, and requests of each in a row.
SIZES, SPREAD, IN_A_ROW = (100, 200, 400, 800, 1600), 30, 3


def recorded(output, mode, stem):
    """Arguments of `record_to` for a way to record."""
    return (None if mode == "off" else str(output / f"{stem}-{mode}.reprise"), MODES[mode])


async def prompt_checks(engine, caller, output, blocks):
    """What recording costs at prompts: the first tokens of single requests, modes and sizes in an order of chance."""
    dice, begin = random.Random(5), time.monotonic()
    for _ in range(blocks):
        for mode in dice.sample(list(MODES), len(MODES)):
            await engine.collective_rpc("record_to", args=recorded(output, mode, "prompts"))
            for size in dice.sample(SIZES, len(SIZES)):
                for _ in range(IN_A_ROW):
                    (seen,) = await caller.run([(0, size + dice.randrange(SPREAD), 1)], lead=0.03)
                    entry = {"mode": mode, "prompt_tokens": size, "second": round(time.monotonic() - begin, 2), "ttft_ms": seen["tokens"][0] * 1e3}
                    with open(output / "prompts.jsonl", "a") as file:
                        file.write(json.dumps(entry) + "\n")


async def checks(engine, caller, output, blocks):
    """The recorder's GPU times beside the driver's, and what recording costs at a batch of 64."""
    await engine.collective_rpc("record_to", args=(str(output / "gpu-times.reprise"),))
    await engine.collective_rpc("note_kernels")
    await caller.run([(0, 500, 40)], lead=0.1)
    kernels = await engine.collective_rpc("write_kernels", args=(str(output / "gpu-times.kernels.json"),))
    log("kernels seen by the profiler", kernels)
    await caller.run([(0, 500, 40)], lead=0.1)
    dice = random.Random(1)
    for block in range(blocks):
        # In an order of chance: what comes first in a block has no advantage.
        for mode in dice.sample(list(MODES), len(MODES)):
            await engine.collective_rpc("record_to", args=recorded(output, mode, "cost"))
            seen = await caller.run([(0, 100, TOKENS)] * RUNNING, lead=0.1)
            steady = statistics.median(record["tokens"][-1] - record["tokens"][STEADY] for record in seen) / (TOKENS - 1 - STEADY)
            with open(output / "cost.jsonl", "a") as file:
                file.write(json.dumps({"block": block, "mode": mode, "running": RUNNING, "step_ms": steady * 1e3}) + "\n")


async def main(arguments):
    os.environ["ENGINE_RUN_POLICY"] = arguments.policy
    os.environ["REPRISE_GPU_TIMES"] = "1"
    os.environ["REPRISE_BLOCK_HASHES"] = "1" if arguments.prefix_caching else "0"
    output = Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    os.environ["REPRISE_TRACE"] = str(output / "warm-up.reprise")
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    log("starting", arguments.policy)
    configuration = engine_arguments(arguments.model, arguments.policy, arguments.prefix_caching, arguments.largest_graph)
    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**configuration))
    described = await engine.collective_rpc("describe_engine")
    log("engine is up", described)
    with open(output / "model.json", "w") as file:
        json.dump({"model": Path(arguments.model).name, "policy": arguments.policy, "engine": described[0]}, file)
    if arguments.watch:
        await engine.collective_rpc("watch_host", args=(str(output / "host-waits.jsonl"),))
    caller = Caller(engine)
    await warm_up(caller)
    log("warm")
    # Round by round, so that what drifts on the machine drifts between runs of a workload.
    rounds = [f"-run{number + 1}" for number in range(arguments.repeat)] if arguments.repeat > 1 else [""]
    for suffix, name in itertools.product(rounds, filter(None, arguments.workloads.split(","))):
        requests = workloads.MADE[name]() if name in workloads.MADE else workloads.repeated(name)
        stem = f"{Path(arguments.model).name}-{Path(name).stem}{suffix}.{arguments.policy}"
        trace = output / f"{stem}.reprise"
        await engine.collective_rpc("record_to", args=(str(trace),))
        seen = await caller.run(requests)
        with open(output / f"{stem}.client.jsonl", "w") as file:
            file.writelines(json.dumps(record) + "\n" for record in seen)
        gaps = sorted(b - a for record in seen for a, b in zip(record["tokens"], record["tokens"][1:]))
        log(stem, len(seen), "requests; median gap ms", round(gaps[len(gaps) // 2] * 1e3, 3), "mean", round(sum(gaps) / len(gaps) * 1e3, 3))
        await engine.collective_rpc("record_to", args=(None,))
        if not trace.exists():
            raise SystemExit(f"{trace} was not written: does the plugin find its library (REPRISE_RECORDER_LIBRARY)?")
    if arguments.checks:
        await checks(engine, caller, output, arguments.checks)
        await engine.collective_rpc("record_to", args=(None,))
        log("checked")
    if arguments.prompt_checks:
        await prompt_checks(engine, caller, output, arguments.prompt_checks)
        await engine.collective_rpc("record_to", args=(None,))
        log("checked prompts")
    engine.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--policy", choices=("vllm-default", "always-2d", "flash-attention-3"), default="vllm-default")
    parser.add_argument("--output", required=True)
    parser.add_argument("--workloads", default="", help="names, or files with the requests of another run")
    parser.add_argument("--prefix-caching", action="store_true", help="with it, and names of blocks in the traces")
    parser.add_argument("--largest-graph", type=int, default=64, metavar="ROWS", help="capture graphs up to so many rows; vLLM's own limit is 512")
    parser.add_argument("--repeat", type=int, default=1, metavar="ROUNDS", help="record every workload so many times")
    parser.add_argument("--watch", action="store_true", help="note where the engine's process stands still; it runs slower then")
    parser.add_argument("--checks", type=int, default=0, metavar="BLOCKS", help="check GPU times, and the cost of recording in so many blocks")
    parser.add_argument("--prompt-checks", type=int, default=0, metavar="BLOCKS", help="check the cost of recording at single prompts")
    sys.exit(asyncio.run(main(parser.parse_args())))
