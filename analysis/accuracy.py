"""Holds predictions from the committed recordings to the real runs, and prints the result as a page.

For each workload that was run under two rules: a recording under one of them is replayed under both, and
the predictions stand beside what the engine did in its run under each. Nothing is typed in: real figures
come from the recordings' own token times.

    python3 analysis/accuracy.py --reprise .build/release/reprise > analysis/ACCURACY.md

With --measurements, attention comes from kernels executed on this machine's GPU instead of the profile.
"""

import argparse
import json
import subprocess
from pathlib import Path

TRACES = Path(__file__).resolve().parent.parent / "traces" / "h200"
PROFILE = TRACES.parent.parent / "Sources" / "CMachineProfiles" / "nvidia-h200.json"
# The engine's name of a run, and the policy that it followed.
RUNS = {"always-2d": "always-2d", "vllm-default": "vllm-0.13", "flash-attention-3": "flash-attention-3"}


def call(reprise, *arguments):
    return subprocess.run([reprise, *arguments], check=True, capture_output=True, text=True).stdout


def real_times(reprise, trace):
    """Mean ITL, median ITL and mean TTFT of a recording, in milliseconds, from its step times."""
    requests, tokens = {}, {}
    for line in call(reprise, "trace", "export", str(trace), "--format", "steps-jsonl").splitlines():
        entry = json.loads(line)
        if entry["kind"] == "request":
            requests[entry["id"]] = entry
        elif entry["kind"] == "step" and "output" in entry:
            for request, computed, new in entry["batch"]:
                if computed + new >= requests[request]["prompt_tokens"]:
                    tokens.setdefault(request, []).append(entry["output"])
    gaps = sorted(b - a for times in tokens.values() for a, b in zip(times, times[1:]))
    first = [times[0] - requests[request]["arrival"] for request, times in tokens.items()]
    middle = len(gaps) // 2
    median = gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2
    return 1e3 * sum(gaps) / len(gaps), 1e3 * median, 1e3 * sum(first) / len(first)


def predicted_times(options, trace, policies, batches):
    """The same three under each policy, as a replay predicts them."""
    text = call(
        options.reprise, "replay", str(trace), "--policy", ",".join(policies), "--batches", batches,
        "--format", "json", *timing(options))
    summaries = json.loads(text)["policies"]
    return {
        policy: (s["itl_ms"]["mean"], s["itl_ms"]["p50"], s["ttft_ms"]["mean"])
        for policy, s in summaries.items()
    }


def timing(options):
    """The program's options for where step times come from."""
    if not options.measurements:
        return []
    kernels = ["--kernels", options.kernels] if options.kernels else []
    return ["--timing", "gpu", "--measurements", options.measurements, *kernels]


def error(predicted, real):
    return f"{100 * (predicted / real - 1):+.1f} %"


def workloads(options):
    """Workloads with the runs that were recorded of each; kernels of others cannot be executed."""
    runs = {}
    for path in sorted(TRACES.glob("*.reprise")):
        name, run = path.name.removesuffix(".reprise").split(".", 2)[0], None
        for candidate in RUNS:
            if path.name.endswith(f".{candidate}.reprise"):
                name, run = path.name.removesuffix(f".{candidate}.reprise"), candidate
        if not options.measurements or run != "flash-attention-3":
            runs.setdefault(name, {})[run] = path
    return runs


def page(options):
    yield "# How far predictions are from a real engine"
    yield ""
    yield "Made by `python3 analysis/accuracy.py --reprise .build/release/reprise` from the committed recordings (vLLM 0.24.0, one"
    yield "NVIDIA H200). Each recording is replayed under its own rule and under the others; the errors are against the run in which the"
    yield "engine followed that rule. The floor under any error: the same work three times on one machine gave mean ITL within"
    yield "± 0.1 % and mean TTFT within ± 0.4 %."
    if options.measurements:
        yield ""
        yield "Attention comes from this project's own kernels, executed on an NVIDIA H200; the rest of the step from each recording."
    for batches in ("rescheduled", "recorded"):
        yield ""
        yield f"## Batches {batches}"
        yield ""
        yield "| workload | recorded under | replayed under | mean ITL | median ITL | mean TTFT | real difference in mean ITL | predicted |"
        yield "|---|---|---|---|---|---|---|---|"
        for workload, runs in workloads(options).items():
            real = {run: real_times(options.reprise, path) for run, path in runs.items()}
            for run, path in runs.items():
                predicted = predicted_times(options, path, [RUNS[r] for r in runs], batches)
                for target in runs:
                    guess = predicted[RUNS[target]]
                    cells = [error(a, b) for a, b in zip(guess, real[target])]
                    difference = guess[0] - predicted[RUNS[run]][0]
                    real_difference = real[target][0] - real[run][0]
                    cells += (
                        ["", ""] if target == run
                        else [f"{real_difference:+.3f} ms", f"{difference:+.3f} ms"])
                    yield f"| {workload} | {run} | {target} | " + " | ".join(cells) + " |"
    if not options.measurements:
        yield from profile_errors()


def profile_errors():
    """The built-in profile's own errors, as calibration found them."""
    yield ""
    yield "## The profile on data that it was not fitted to"
    yield ""
    yield "| part | median | 90th percentile | worst | rows |"
    yield "|---|---|---|---|---|"
    profile = json.loads(PROFILE.read_text())
    parts = [(k["variant"], k["held_out_error"]) for k in profile["kernels"]]
    for model in profile["models"]:
        name = model["model"]["name"]
        parts += [(f"{name}, decode steps", model["decode_step_error"])]
        parts += [(f"{name}, steps with prompts", model["mixed_step_error"])]
    for name, e in parts:
        shares = " | ".join(f"{100 * e[key]:.1f} %" for key in ("median", "p90", "max"))
        yield f"| {name} | {shares} | {e['rows']} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    parser.add_argument("--measurements", help="a store of measured kernels, filled where it lacks some")
    parser.add_argument("--kernels", help="compiled kernels, for what the store lacks")
    print("\n".join(page(parser.parse_args())))
