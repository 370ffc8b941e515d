"""Prints how long the host takes to launch a layer's matrix products of sizes that its process meets for the first time.

    python3 Tests/EngineRuns/first_launches.py

Needs torch and the GPU. The layer is Mistral-Small-24B's; the sizes are, in their order, those of `mix-qps3-again` under vLLM's default. Before
them run what an engine runs as it comes up: 8,192 tokens, and the sizes of its graphs. Then it counts how often sizes next to each other,
within a tile of 8 tokens and across, take the same kernels.
"""

import statistics
import time

import torch
from torch.profiler import ProfilerActivity, profile

LAYER = {"qkv": (5120, 6144), "attention": (4096, 5120), "gate and up": (5120, 65536), "down": (32768, 5120)}
UP = [8192, 1, 2, 4, *range(8, 65, 8)]
MET = [
    1856, 315, 5565, 632, 184, 4396, 2541, 1691, 1850, 527, 232, 365, 391, 178, 2118, 1814, 2018, 189, 3720, 581, 927, 4322, 2037, 117, 597,
    239, 2847, 244, 341, 163, 137, 3751, 3027, 322, 2232, 3814, 1074, 3886, 270, 3205, 2329, 1562, 866, 1583, 4694, 363, 978, 2323, 2922, 5079,
    1772, 313, 2617, 388, 2255, 539, 4592, 1846]  # fmt: skip
NEIGHBOURS = range(1, 1025)

rows = {name: torch.zeros(8192, width, device="cuda", dtype=torch.bfloat16) for name, (width, _) in LAYER.items()}
weights = {name: torch.zeros(size, width, device="cuda", dtype=torch.bfloat16) for name, (width, size) in LAYER.items()}


def launch(tokens):
    """Milliseconds of the host, without waiting for the GPU."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for name in LAYER:
        torch.nn.functional.linear(rows[name][:tokens], weights[name])
    return 1e3 * (time.perf_counter() - start)


def kernels(tokens):
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        launch(tokens)
        torch.cuda.synchronize()
    return {event.name for event in seen.events() if event.device_type == torch.autograd.DeviceType.CUDA}


def main():
    for tokens in UP:
        launch(tokens)
    times = [(launch(tokens), launch(tokens)) for tokens in MET]
    loaded = set().union(*map(kernels, UP))
    by_count = {}
    print("tokens  kernels loaded  first launch, ms  second, ms")
    for tokens, (first, second) in zip(MET, times):
        new = kernels(tokens) - loaded
        loaded |= new
        by_count.setdefault(len(new), []).append(first)
        print(f"{tokens:6} {len(new):15} {first:17.1f} {second:11.1f}")
    for count, launches in sorted(by_count.items()):
        print(f"{count} kernels loaded: {statistics.median(launches):.1f} ms in the median of {len(launches)}")
    print(f"second launches: {statistics.median(second for _, second in times):.1f} ms")
    table = [kernels(tokens) for tokens in NEIGHBOURS]
    for words, inside in (("within a tile", True), ("across tiles", False)):
        pairs = [
            first == second for tokens, first, second in zip(NEIGHBOURS, table, table[1:])
            if (tokens % 8 != 0) == inside]  # fmt: skip
        print(f"neighbours {words} with the same kernels: {sum(pairs)} of {len(pairs)}")


if __name__ == "__main__":
    main()
