"""Prints for which numbers of rows the host waits for a busy GPU when its process launches the output layer's product of that size first.

    python3 Tests/EngineRuns/output_layer.py

Needs torch and the GPU. In a process of its own for each model: as an engine comes up, the product of 8,192 rows and of the sizes of its graphs;
then every number of rows up to 256, the GPU being busy meanwhile. A launch that takes as long as the GPU is busy has waited for it.
"""

import subprocess
import sys
import time

import torch
from torch.profiler import ProfilerActivity, profile

# Width and vocabulary, and the largest graph that the engine captured.
HEADS = {"mistral-small-24b": (5120, 131072, 64), "llama-3.1-8b": (4096, 128256, 64), "llama-3.1-8b, larger graphs": (4096, 128256, 512)}
ROWS, BUSY_MS = 256, 30


def sizes_of_graphs(largest):
    return [size for size in (1, 2, 4, *range(8, 257, 8), *range(272, 513, 16)) if size <= largest]


def main(name):
    width, vocabulary, largest = HEADS[name]
    weights = torch.zeros(vocabulary, width, device="cuda", dtype=torch.bfloat16)
    rows = torch.zeros(8192, width, device="cuda", dtype=torch.bfloat16)
    product = lambda count: torch.nn.functional.linear(rows[:count], weights)
    torch.cuda._sleep(1)
    for count in sizes_of_graphs(largest):
        product(count)
    torch.cuda.synchronize()
    cycles = 1_000_000
    begin = time.perf_counter()
    torch.cuda._sleep(cycles)
    torch.cuda.synchronize()
    cycles = int(cycles * BUSY_MS / 1e3 / (time.perf_counter() - begin))
    waited = []
    for count in range(1, ROWS + 1):
        torch.cuda._sleep(cycles)
        begin = time.perf_counter()
        product(count)
        if 1e3 * (time.perf_counter() - begin) > BUSY_MS / 2:
            waited.append(count)
        torch.cuda.synchronize()
    print(name, "graphs up to", largest, "waited at", waited)
    found = []
    for count in range(1, ROWS + 1):
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            product(count)
            torch.cuda.synchronize()
        kernels = sorted({event.name for event in seen.events() if event.device_type == torch.autograd.DeviceType.CUDA})
        if not found or found[-1][1] != kernels:
            found.append((count, kernels))
    for count, kernels in found:
        print("  from", count, "rows:", *(kernel[:70] for kernel in kernels))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        for head in HEADS:
            subprocess.run([sys.executable, __file__, head], check=True)
