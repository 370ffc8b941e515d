"""How much longer decode steps take behind steps with prompts, in the committed recordings.

    python3 analysis/behind_prompts.py --reprise .build/release/reprise

For each run and size of graph: the median GPU time of steps by how long ago a prompt was computed, as a share beyond those that come 150 ms
and more behind it. What grows with the KV tokens of a batch is taken off by a line through all steps of the size. Prints the table at the
end of Sources/StepTiming/ACCURACY.md.
"""

import argparse
import json
import statistics
import subprocess

from accuracy_results import TRACES

RUNS = (
    ("mistral-small-24b-random-qps5.flash-attention-3", 16),
    ("mistral-small-24b-random-qps5.vllm-default", 16),
    ("mistral-small-24b-random-qps7.always-2d", 24),
    ("mistral-small-24b-random-qps9.vllm-default", 40),
    ("llama-3.1-8b-random-qps20.vllm-default", 40),
)
# Milliseconds from the end of the step with prompts to the middle of the decode step.
BOUNDS = (0, 10, 25, 45, 75, 150)


def steps(reprise, run):
    text = subprocess.run(
        [reprise, "trace", "export", TRACES / f"{run}.reprise", "--format", "steps-jsonl"], check=True, capture_output=True, text=True).stdout
    header, *records = map(json.loads, text.splitlines())
    return header["cuda_graph_capture_sizes"], [record for record in records if record["kind"] == "step" and record.get("gpu_ms")]


def decode_steps(sizes, run, graph):
    """Of each decode step of a graph: milliseconds since the last prompt to its middle, its GPU time, and KV tokens."""
    since = None
    for step in run:
        rows, gpu = step["batch"], step["gpu_ms"]
        if any(query > 1 for _, _, query in rows):
            since = 0.0
        elif since is not None:
            if min((size for size in sizes if size >= len(rows)), default=None) == graph:
                yield since + gpu / 2, gpu, sum(computed for _, computed, _ in rows)
            since += gpu


def table(reprise):
    labels = [f"{low} to {high} ms" for low, high in zip(BOUNDS, BOUNDS[1:])]
    yield "| run | rows of the graph | steps | later, ms | " + " | ".join(labels) + " |"
    yield "|---|---|---|---|" + "---|" * len(labels)
    for run, graph in RUNS:
        found = list(decode_steps(*steps(reprise, run), graph))
        slope, _ = statistics.linear_regression([tokens for _, _, tokens in found], [gpu for _, gpu, _ in found])
        middle = statistics.fmean(tokens for _, _, tokens in found)
        level = [(since, gpu - max(0, slope) * (tokens - middle)) for since, gpu, tokens in found]
        later = statistics.median(gpu for since, gpu in level if since >= BOUNDS[-1])
        cells = []
        for low, high in zip(BOUNDS, BOUNDS[1:]):
            times = [gpu for since, gpu in level if low <= since < high]
            cells.append(f"{100 * (statistics.median(times) / later - 1):+.1f} %")
        yield f"| `{run}` | {graph} | {len(found)} | {later:.2f} | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    print("\n".join(table(parser.parse_args().reprise)))


if __name__ == "__main__":
    main()
