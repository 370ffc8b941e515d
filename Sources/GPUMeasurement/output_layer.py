"""Finds which cuBLAS kernel computes a model's output layer for each number of rows, and which of them its other layers launch too.

    python3 Sources/GPUMeasurement/output_layer.py NAME=config.json … > output-layer.jsonl

Needs a GPU and torch, and of each model (dense, like Llama) the name that traces give it and its config.json. Prints a line for each, which
`reprise calibrate` takes beside kernel logs:

    {"op":"output-layer","gpu":"NVIDIA H200","model":"llama-3.1-8b","rows":[[1,0],[9,1],…],"layer_tokens":["","457-464,912",…],"kernels":[…],"waited_at":[…]}

From so many `rows` on it is that kernel, by its place in `kernels`; `layer_tokens` are the numbers of tokens for which a product of the layers
launches it. `waited_at` are the rows, in ascending order, at which the host waited for a busy GPU: those that launch a kernel which the process
had not loaded yet.
"""

import json
import multiprocessing
import sys
import tempfile
import time

import torch
from torch.profiler import ProfilerActivity, profile

ROWS = 1024
# As many as a step may have by default.
TOKENS = 8192
BUSY_MS = 20


def products(config):
    """Inputs and outputs of a layer's matrix products, and of the output layer."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    kv_heads, head = config.get("num_key_value_heads", heads), config.get("head_dim") or width // heads
    layers = [
        (width, (heads + 2 * kv_heads) * head), (heads * head, width),
        (width, 2 * config["intermediate_size"]), (config["intermediate_size"], width)]
    return layers, (width, config["vocab_size"])


def operands(inputs, outputs, rows):
    return (torch.zeros(size, inputs, device="cuda", dtype=torch.bfloat16) for size in (outputs, rows))


def launched(shape, sizes):
    """The names of the kernels that a product launches, for each number of rows."""
    weights, rows = operands(*shape, len(sizes))
    with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as seen:
        for size in sizes:
            torch.cuda._sleep(1)
            torch.nn.functional.linear(rows[:size], weights)
        torch.cuda.synchronize()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        seen.export_chrome_trace(file.name)
        events = [event for event in json.load(open(file.name))["traceEvents"] if event.get("cat") == "kernel"]
    kernels = []
    for event in sorted(events, key=lambda event: event["ts"]):
        # Between two sizes stands the sleep.
        if "spin" in event["name"]:
            kernels.append([])
        else:
            kernels[-1].append(event["name"])
    if len(kernels) != len(sizes):
        raise SystemExit(f"{len(kernels)} launches seen of {len(sizes)}")
    return dict(zip(sizes, map(tuple, kernels)))


def waited(shape, queue):
    """Puts the numbers of rows at which the host waits; in a process that has launched no product before."""
    weights, rows = operands(*shape, ROWS)
    torch.cuda._sleep(1)
    torch.cuda.synchronize()
    cycles, begin = 10_000_000, time.perf_counter()
    torch.cuda._sleep(cycles)
    torch.cuda.synchronize()
    cycles = int(cycles * BUSY_MS / 1e3 / (time.perf_counter() - begin))
    found = []
    for size in range(1, ROWS + 1):
        torch.cuda._sleep(cycles)
        begin = time.perf_counter()
        torch.nn.functional.linear(rows[:size], weights)
        if 1e3 * (time.perf_counter() - begin) > BUSY_MS / 2:
            found.append(size)
        torch.cuda.synchronize()
    queue.put(found)


def ranges(sizes):
    """The sizes as text, those that follow one another by the first and the last."""
    found = []
    for size in sorted(sizes):
        if found and found[-1][1] == size - 1:
            found[-1][1] = size
        else:
            found.append([size, size])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def main():
    for name, path in (argument.split("=", 1) for argument in sys.argv[1:]):
        layers, output = products(json.load(open(path)))
        processes = multiprocessing.get_context("spawn")
        queue = processes.Queue()
        process = processes.Process(target=waited, args=(output, queue))
        process.start()
        waits = queue.get()
        process.join()
        rows, kernels = [], []
        for count, launches in launched(output, range(1, ROWS + 1)).items():
            if launches not in kernels:
                kernels.append(launches)
            if not rows or rows[-1][1] != kernels.index(launches):
                rows.append([count, kernels.index(launches)])
        tokens = [set() for _ in kernels]
        for shape in layers:
            for size, launches in launched(shape, range(1, TOKENS + 1)).items():
                if launches in kernels:
                    tokens[kernels.index(launches)].add(size)
        line = {
            "op": "output-layer", "gpu": torch.cuda.get_device_name(), "model": name, "rows": rows,
            "layer_tokens": list(map(ranges, tokens)), "kernels": [" ".join(launches) for launches in kernels], "waited_at": waits}
        print(json.dumps(line, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
