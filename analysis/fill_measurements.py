"""Executes, on a GPU, the batches that predictions from the committed recordings ask for, and exports their times.

    python3 analysis/fill_measurements.py --reprise REPRISE --kernels DIR --store FILE.sqlite --export FILE.jsonl.zst

Every recording is replayed, its batches rescheduled, under the policy of every other run of its workload, with the profile that
`accuracy.py` takes for that run. FlashAttention 3 is measured through `--provider`, where one is given (Sources/KernelProviders).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from accuracy import ROOT, TRACES, calibrated, workloads


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
    for source, target in pairs:
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


def flash_attention(options, pairs, profiles, folder):
    """Recorded batches, and rescheduled ones in rounds; what the profile foresees is measured in one go before."""
    policy = f"flash-attention-3@{options.package}"
    chosen = [(source, target) for source, target in pairs if "flash" in target.name]
    plan = Path(folder) / "plan.jsonl"
    for batches in ("recorded", "rescheduled"):
        traces = [source.trace for source, target in chosen if batches == "rescheduled" or source == target]
        run(options, options.reprise, "measure", *traces, "--policy", policy, "--batches", batches, "--plan", plan)
        run(options, *options.provider.split(), "measure", plan, "--store", options.store)
    for source, target in chosen:
        run(options, options.reprise, "replay", source.trace, "--policy", policy, "--batches", "rescheduled",
            "--timing", "gpu", "--kernels", options.kernels, "--profile", profiles[target.stem],
            "--measurements", options.store, "--provider", options.provider)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    parser.add_argument("--kernels", required=True, help="compiled kernels")
    parser.add_argument("--store", required=True, help="the store that is filled")
    parser.add_argument("--export", required=True, help="where the medians are written")
    parser.add_argument("--provider", help="the command that times FlashAttention 3")
    parser.add_argument("--package", default="vllm-0.24.0", help="the package that it is of")
    parser.add_argument("--seconds", type=float, default=1e6, help="end after")
    options = parser.parse_args()
    options.began = time.monotonic()
    split = json.loads((ROOT / "analysis" / "split.json").read_text())
    pairs = [(a, b) for group in workloads().values() for a in group for b in group]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        run(options, options.reprise, "measure", "--measurements", options.store,
            "--import", TRACES / "measurements.jsonl.zst")
        profiles = calibrated(options, split, pool, folder)
        print(f"calibrated after {time.monotonic() - options.began:.1f} s")
        own_kernels(options, pairs, profiles)
        print(f"own kernels after {time.monotonic() - options.began:.1f} s")
        if options.provider:
            flash_attention(options, pairs, profiles, folder)
    options.seconds = 1e6
    done = run(options, options.reprise, "measure", "--measurements", options.store, "--medians", "--export", options.export)
    print(f"all after {time.monotonic() - options.began:.1f} s")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
