"""Executes, on a GPU, the batches that predictions from the committed recordings ask for, and exports their times.

    python3 analysis/fill_measurements.py --work DIR --prepare                     # anywhere; profiles and a plan into DIR
    python3 analysis/fill_measurements.py --work DIR --kernels DIR --export FILE.jsonl.zst     # on the GPU's machine, where
                                                      # LD_LIBRARY_PATH has cuBLAS (Sources/GPUMeasurement/README.md)

Every recording is replayed, its batches rescheduled, under the policy of every other run of its workload, with the profile that
`accuracy.py` takes for that run. FlashAttention 3 is measured through `--provider`, where one is given (Sources/KernelProviders). What the store
has is not measured again, so a run that was cut goes on.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from accuracy import ROOT, TRACES, call, calibrated, workloads
from committed_measurements import OWN, PROVIDED


def run(options, *arguments):
    """Runs one command to the end of the time that is left; a failure is told and passed over."""
    arguments = list(map(str, arguments))
    left = options.began + options.seconds - time.monotonic()
    words = " ".join(Path(argument).name for argument in arguments[1:3])
    if left <= 1:
        print(f"{words}: left out, no time", flush=True)
        return False
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=left)
    except subprocess.TimeoutExpired:
        print(f"{words}: cut, no time", flush=True)
        return False
    said = [line for line in (result.stderr + result.stdout).splitlines()
            if line.startswith("reprise: ") or " measured" in line]
    print(f"{words}: exit {result.returncode}")
    print("\n".join("  " + line for line in said), flush=True)
    return result.returncode == 0


def own_kernels(options, pairs, profiles):
    # The long prompts of Mooncake take longest.
    for source, target in sorted(pairs, key=lambda pair: ("mooncake" in pair[0].stem, "llama" in pair[0].stem)):
        if "flash" in target.name:
            continue
        if "flash" in source.name:
            # Its own steps have no times of executed kernels to be held to.
            run(options, options.reprise, "replay", source.trace, "--policy", target.policy, "--batches", "rescheduled",
                "--timing", "gpu", "--kernels", options.kernels, "--profile", profiles[target.stem],
                "--measurements", options.store)
            continue
        run(options, options.reprise, "validate", source.trace, "--client", target.client, "--policy", target.policy,
            "--profile", profiles[target.stem], "--jitter", 0, "--timing", "gpu", "--measurements", options.store,
            "--kernels", options.kernels, "--format", "json")


def foreseen(options, pairs, profiles):
    """Writes the batches that replays under FlashAttention 3 are foreseen to ask for, as one plan."""
    policy = f"flash-attention-3@{options.package}"
    lines = {}
    # A run's own batches first: they are asked for most.
    for source, target in sorted(pairs, key=lambda pair: pair[0] != pair[1]):
        if "flash" not in target.name:
            continue
        for batches in ("recorded", "rescheduled") if source == target else ("rescheduled",):
            part = options.work / "part.jsonl"
            call(options, "measure", source.trace, "--policy", policy, "--batches", batches, "--profile",
                 profiles[target.stem], "--plan", part)
            lines |= dict.fromkeys(part.read_text().splitlines())
    (options.work / "plan.jsonl").write_text("".join(line + "\n" for line in lines))
    print(f"{len(lines) - 1} batches planned")


def flash_attention(options, pairs, profiles):
    """The rounds that rescheduled replays go, beyond what was foreseen."""
    policy = f"flash-attention-3@{options.package}"
    for source, target in pairs:
        if "flash" in target.name and "llama" not in target.stem:
            run(options, options.reprise, "replay", source.trace, "--policy", policy, "--batches", "rescheduled",
                "--timing", "gpu", "--kernels", options.kernels, "--profile", profiles[target.stem],
                "--measurements", options.store, "--provider", options.provider)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    parser.add_argument("--work", type=Path, required=True, help="the folder for profiles, plan and store")
    parser.add_argument("--prepare", action="store_true", help="calibrate and plan, measure nothing")
    parser.add_argument("--kernels", help="compiled kernels")
    parser.add_argument("--export", help="where the medians are written")
    parser.add_argument("--provider", help="the command that times FlashAttention 3")
    parser.add_argument("--package", default="vllm-0.24.0", help="the package that it is of")
    parser.add_argument("--seconds", type=float, default=1e6, help="end after")
    options = parser.parse_args()
    options.began = time.monotonic()
    options.store = options.work / "store.sqlite"
    options.measurements = None  # Of `accuracy`: what is prepared is so without a GPU.
    split = json.loads((ROOT / "analysis" / "split.json").read_text())
    runs = workloads(lambda run: True)
    pairs = [(a, b) for group in runs.values() for a in group for b in group]
    options.work.mkdir(parents=True, exist_ok=True)
    if options.prepare:
        with ThreadPoolExecutor() as pool:
            foreseen(options, pairs, calibrated(options, split, pool, options.work))
        return 0
    profiles = {
        name: options.work / f"{number}.json"
        for number, part in enumerate(split["profiles"]) for name in part["reported"]}
    files = [TRACES / name for name in (OWN, PROVIDED)]
    run(options, options.reprise, "measure", "--measurements", options.store,
        *(word for path in files for word in ("--import", path)))
    # A provider takes longest: it captures a graph for each batch.
    own_kernels(options, pairs, profiles)
    print(f"own kernels after {time.monotonic() - options.began:.1f} s")
    if options.provider:
        run(options, *options.provider.split(), "measure", options.work / "plan.jsonl", "--store", options.store,
            "--variant", f"{options.package}/flash-attention-3")
        flash_attention(options, pairs, profiles)
    options.seconds = 1e6
    done = run(options, options.reprise, "measure", "--measurements", options.store, "--medians", "--export", options.export)
    print(f"all after {time.monotonic() - options.began:.1f} s")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
