"""Prints what NumPy draws, for the tests of the generators: run it and keep its output.

    python3 numpy_draws.py > numpy_draws.json      (made with NumPy 2.4.6)

The workloads at the end are the lines of vLLM that draw: benchmarks/benchmark_dataset.py and
benchmark_serving.py of June 2025, vllm/benchmarks/datasets and serve.py since August 2025.
"""

import json
import math

import numpy as np

SEEDS = [0, 1, 5, 2**32 - 1]
RANGES = [[0, 131072], [0, 128256], [900, 1101], [7, 8], [-5, 6], [0, 2**32], [0, 2**40 + 1]]
SHAPES = [1.0, 0.25, 0.5, 2.0, 7.5]


def legacy(seed):
    draws = {"seed": seed}
    np.random.seed(seed)
    draws["random_sample"] = np.random.random_sample(5).tolist()
    draws["normal"] = np.random.standard_normal(5).tolist()
    for low, high in RANGES:
        draws[f"randint {low} {high}"] = np.random.randint(low, high, 5).tolist()
    for shape in SHAPES:
        draws[f"gamma {shape}"] = [np.random.gamma(shape, 0.5) for _ in range(20)]
    # Past the first 624 words the state has been renewed.
    draws["after"] = [np.random.randint(0, 2**32) for _ in range(700)][-1]
    return draws


def generator(seed):
    rng = np.random.default_rng(seed)
    draws = {"seed": seed}
    for low, high in RANGES:
        draws[f"integers {low} {high}"] = rng.integers(low, high, size=5).tolist()
    return draws


def workload_june_2025(seed, count, rate, burstiness, prompt, output, ratio, vocab, special):
    np.random.seed(seed)
    body = prompt - special
    low, high = int(body * (1 - ratio)), int(body * (1 + ratio))
    output_low, output_high = int(output * (1 - ratio)), int(output * (1 + ratio))
    prompts = np.random.randint(low, high + 1, size=count)
    outputs = np.random.randint(output_low, output_high + 1, size=count)
    np.random.randint(0, vocab, size=count)
    arrivals, clock = [], 0.0
    for _ in range(count):
        arrivals.append(clock)
        clock += np.random.gamma(shape=burstiness, scale=1.0 / (rate * burstiness))
    return rows(arrivals, prompts, outputs, special)


def workload_rescaled(seed, count, rate, burstiness, prompt, output, ratio, vocab, special):
    rng = np.random.default_rng(seed)
    body = prompt - special
    low, high = math.floor(body * (1 - ratio)), math.ceil(body * (1 + ratio))
    output_low = max(1, math.floor(output * (1 - ratio)))
    output_high = max(1, math.ceil(output * (1 + ratio)))
    prompts = rng.integers(low, high + 1, size=count)
    outputs = rng.integers(output_low, output_high + 1, size=count)
    np.random.seed(seed)
    delays = []
    for _ in range(count):
        if burstiness == math.inf:
            delays.append(1.0 / rate)
        else:
            delays.append(np.random.gamma(shape=burstiness, scale=1.0 / (rate * burstiness)))
    for index in range(1, count):
        delays[index] += delays[index - 1]
    factor = (count / rate) / delays[-1]
    return rows([delay * factor for delay in delays], prompts, outputs, special)


def rows(arrivals, prompts, outputs, special):
    """Whole nanoseconds, so that the last bit of a logarithm is nobody's concern."""
    return [
        [round(arrival * 1e9), int(prompt) + special, int(output)]
        for arrival, prompt, output in zip(arrivals, prompts, outputs)
    ]


def workloads():
    found = []
    for style, draw in [("vllm-2025-06", workload_june_2025), ("vllm-rescaled", workload_rescaled)]:
        for seed, rate, burstiness, ratio, vocab, special in [
            (5, 5.0, 1.0, 0.0, 131072, 1),
            (7, 7.0, 1.0, 0.0, 128256, 1),
            (1, 0.5, 0.5, 0.25, 128256, 0),
            (9, 9.0, 4.0, 0.1, 151936, 1),
            (3, 2.0, math.inf, 0.0, 131072, 1),
        ]:
            if burstiness == math.inf and draw is workload_june_2025:
                continue  # NumPy gives no number here, nor did the benchmark.
            options = dict(
                seed=seed, count=12, rate=rate, burstiness=burstiness, prompt=1000, output=100,
                ratio=ratio, vocab=vocab, special=special)
            entry = dict(options, style=style, rows=draw(**options))
            entry["burstiness"] = "inf" if burstiness == math.inf else burstiness
            found.append(entry)
    return found


if __name__ == "__main__":
    print(json.dumps({
        "numpy": np.__version__,
        "legacy": [legacy(seed) for seed in SEEDS],
        "generator": [generator(seed) for seed in SEEDS + [2**40 + 3]],
        "workloads": workloads(),
    }, indent=1))
