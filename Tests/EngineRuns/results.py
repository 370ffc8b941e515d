"""Prints what the checks of `record_vllm.py --checks` and the finished traces say, as RESULTS.md has it.

    python results.py FOLDER_OF_RUNS --reprise .build/release/reprise --traces traces/h200 --clocks clocks.csv > RESULTS.md
"""

import argparse
import json
import random
import statistics
import subprocess
from pathlib import Path

FIRST_KERNEL, LAST_KERNEL = "_prepare_pos_seq_lens_kernel", "_post_update_kernel"
PROFILED = 40
ENOUGH_STEPS = 20
# Workloads that were asked twice, and the machines.
REPEATED = (("random-qps5", (1, 2)), ("mix-qps3", (2, 3)), ("long-8", (2, 3)))
# Of the cost of recording: what is compared, and draws for an interval.
MODES, DRAWS = ["off", "on", "gpu-times"], 10_000


def steps(reprise, trace):
    text = subprocess.run([reprise, "trace", "export", trace, "--format", "steps-jsonl"], check=True, capture_output=True, text=True).stdout
    return [record for record in map(json.loads, text.splitlines()) if record["kind"] == "step"]


def decode_only(step):
    return all(query == 1 for _, _, query in step["batch"])


def gpu_times(reprise, folders):
    """The recorder's times beside those of the driver's profiling interface, for decode steps of one request."""
    yield "| model | decode steps | median by events | median from first to last kernel | median difference | differences |"
    yield "|---|---|---|---|---|---|"
    for folder in folders:
        kernels = sorted(json.loads((folder / "gpu-times.kernels.json").read_text()), key=lambda kernel: kernel[1])
        starts = [place for place, kernel in enumerate(kernels) if kernel[0].startswith(FIRST_KERNEL)]
        spans = []
        for begin, end in zip(starts, [*starts[1:], len(kernels)]):
            last = max(place for place in range(begin, end) if kernels[place][0].startswith(LAST_KERNEL))
            spans.append((kernels[last][1] + kernels[last][2] - kernels[begin][1]) / 1000)
        recorded = [step["gpu_ms"] for step in steps(reprise, folder / "gpu-times.reprise")[:PROFILED]]
        # The first is the prompt; the profiler slows its launches, and the second waits for them.
        differences = [1000 * (own - span) for own, span in zip(recorded[2:], spans[2:], strict=True)]
        yield (
            f"| {json.loads((folder / 'model.json').read_text())['model']} | {len(differences)} | {statistics.median(recorded[2:]):.3f} ms | "
            f"{statistics.median(spans[2:]):.3f} ms | {statistics.median(differences):.0f} µs | {min(differences):.0f} to {max(differences):.0f} µs |")


def cost(folders):
    """What recording costs, in blocks of all modes next to each other; intervals by resampling blocks."""
    yield "| model | recording | blocks | median decode step | lowest to highest | throughput, of that without | 95 % interval |"
    yield "|---|---|---|---|---|---|---|"
    for folder in folders:
        times = {}
        for line in (folder / "cost.jsonl").read_text().splitlines():
            entry = json.loads(line)
            times.setdefault(entry["mode"], {})[entry["block"]] = entry["step_ms"]
        model = json.loads((folder / "model.json").read_text())["model"]
        for mode, of in sorted(times.items(), key=lambda item: MODES.index(item[0])):
            changes = [100 * (times["off"][block] / time - 1) for block, time in of.items()]
            dice = random.Random(1)
            draws = sorted(statistics.fmean(dice.choices(changes, k=len(changes))) for _ in range(DRAWS))
            low, high = draws[int(0.025 * DRAWS)], draws[int(0.975 * DRAWS)]
            change = ["–", "–"] if mode == "off" else [f"{statistics.fmean(changes):+.2f} %", f"{low:+.2f} to {high:+.2f} %"]
            values = sorted(of.values())
            yield (
                f"| {model} | {mode} | {len(values)} | {statistics.median(values):.3f} ms | {values[0]:.3f} to {values[-1]:.3f} ms | "
                f"{change[0]} | {change[1]} |")


def prompts(path):
    """First tokens of single prompts without recording, with it, and with GPU times."""
    times = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        times.setdefault(entry["prompt_tokens"], {}).setdefault(entry["mode"], []).append(entry["ttft_ms"])
    yield "| prompt tokens, up to 29 more | requests of each | " + " | ".join(f"{mode}: median | middle half" for mode in MODES) + " |"
    yield "|---|---|" + "---|" * (2 * len(MODES))
    for size, of in sorted(times.items()):
        cells = []
        for mode in MODES:
            low, middle, high = statistics.quantiles(of[mode], n=4)
            cells.append(f"{middle:.1f} ms | {low:.1f} to {high:.1f} ms")
        yield f"| {size} | {len(of[MODES[0]])} | " + " | ".join(cells) + " |"


def medians_by_rows(run):
    """The median GPU time of decode steps, for each number of rows that has enough of them."""
    by_rows = {}
    for step in filter(decode_only, run):
        if "gpu_ms" in step:
            by_rows.setdefault(len(step["batch"]), []).append(step["gpu_ms"])
    return {rows: statistics.median(times) for rows, times in by_rows.items() if len(times) > ENOUGH_STEPS}


def machines(reprise, traces):
    """Steps of the runs that were repeated, on both machines."""
    yield (
        "| workload | policy | machine | decode steps on the GPU, of the other | widest | scheduler, median | "
        "prompt step after a decode step: launched in, median |")
    yield "|---|---|---|---|---|---|---|"
    for workload, pair in REPEATED:
        for policy in ("vllm-default", "always-2d", "flash-attention-3"):
            first = None
            for machine, name in zip(pair, (workload, f"{workload}-again")):
                run = steps(reprise, traces / f"mistral-small-24b-{name}.{policy}.reprise")
                medians = medians_by_rows(run)
                scheduler = statistics.median(step["schedule_end"] - step["schedule_start"] for step in run)
                launches = [a["output"] - b["schedule_end"] for a, b in zip(run, run[1:]) if decode_only(a) and not decode_only(b)]
                shares = ["–", "–"]
                if first:
                    ratios = [medians[rows] / first[rows] - 1 for rows in first.keys() & medians.keys()]
                    shares = [f"{100 * statistics.median(ratios):+.2f} %", f"{100 * max(ratios, key=abs):+.2f} %"]
                first = medians
                yield (
                    f"| {workload} | {policy} | {machine} | {shares[0]} | {shares[1]} | {1e6 * scheduler:.0f} µs | "
                    f"{1e3 * statistics.median(launches):.1f} ms |")


def clocks(paths):
    samples = [line.split(", ") for path in paths for line in path.read_text().splitlines()]
    busy = [int(sample[1].split()[0]) for sample in samples if float(sample[3].split()[0]) > 250]
    return f"{len(busy)} samples above 250 W: {min(busy)} to {max(busy)} MHz, median {statistics.median(busy):.0f} MHz"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--reprise", required=True)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--clocks", type=Path, nargs="+", required=True)
    arguments = parser.parse_args()
    checked = sorted(path.parent for path in arguments.runs.glob("*/cost.jsonl"))
    print("# The recorder on a real GPU\n\nPrinted by `results.py`, of the runs that README.md tells of.\n")
    print("## GPU times: CUDA events of the plugin beside the driver's profiling interface (CUPTI)\n")
    print("\n".join(gpu_times(arguments.reprise, checked)))
    print("\n## Decode steps of 64 requests without recording, with it, and with GPU times, in blocks beside each other\n")
    print("\n".join(cost(checked)))
    for path in sorted(arguments.runs.glob("*/prompts.jsonl")):
        print("\n## First tokens of single prompts without recording, with it, and with GPU times\n")
        print("\n".join(prompts(path)))
    print("\n## The same work on two machines\n\n`random-qps5` was recorded elsewhere, by another program; all others here.\n")
    print("\n".join(machines(arguments.reprise, arguments.traces)))
    print(f"\n## Clock of the multiprocessors, once a second\n\n{clocks(arguments.clocks)}.")


if __name__ == "__main__":
    main()
