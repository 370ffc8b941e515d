"""What the callers of repeated runs saw, run by run, as traces/h200/repeats.jsonl has it.

    python repeats.py FOLDER_OF_RUNS --reprise .build/release/reprise --machine 4 --date 2026-11-28 > traces/h200/repeats.jsonl

Reads the traces, as far as there are any, and callers' logs that `record_vllm.py --repeat` wrote. One line a run, in milliseconds; `first-step-requests` is how many requests the
first step took, `launch-below-1000-p50` how long a step of fewer than 1,000 tokens with a prompt took to launch behind a decode step, `launch-p50` any other.
"""

import argparse
import json
import re
import statistics
from pathlib import Path

from results import decode_only, steps

FEW_TOKENS = 1000
LOG = re.compile(r"(?P<workload>.+)-run(?P<run>\d+)\.(?P<policy>[^.]+)\.client\.jsonl")


def summary(values):
    parts = statistics.quantiles(values, n=100, method="inclusive")
    return {"mean": statistics.fmean(values), "p50": parts[49], "p90": parts[89], "p99": parts[98]}


def launches(run):
    """Medians of launches that the tokens of the decode step before waited for, of few tokens and of others."""
    found = ([], [])
    for before, step in zip(run, run[1:]):
        if decode_only(before) and not decode_only(step) and step["schedule_start"] < before.get("output", 0):
            tokens = sum(query for _, _, query in step["batch"])
            found[tokens < FEW_TOKENS].append(1e3 * (before["output"] - step["schedule_end"]))
    names = ("launch-p50", f"launch-below-{FEW_TOKENS}-p50")
    return {name: statistics.median(times) for name, times in zip(names, found) if times}


def run_of(log, reprise):
    found = LOG.fullmatch(log.name)
    tokens = [json.loads(line)["tokens"] for line in log.read_text().splitlines()]
    seen = {
        "ttft": [1e3 * times[0] for times in tokens],
        "itl": [1e3 * (later - sooner) for times in tokens for sooner, later in zip(times, times[1:])],
    }
    numbers = {f"{metric}-{place}": round(value, 4) for metric, values in seen.items() for place, value in summary(values).items()}
    trace = log.with_name(log.name.removesuffix(".client.jsonl") + ".reprise")
    if trace.exists():
        run = steps(reprise, trace)
        numbers |= {"first-step-requests": len(run[0]["batch"])} | {name: round(time, 4) for name, time in launches(run).items()}
    return {"workload": found["workload"], "policy": found["policy"], "run": int(found["run"])} | numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--reprise", required=True)
    parser.add_argument("--machine", type=int, required=True)
    parser.add_argument("--date", required=True)
    arguments = parser.parse_args()
    for log in sorted(arguments.runs.glob("**/*.client.jsonl")):
        if LOG.fullmatch(log.name):
            print(json.dumps({"machine": arguments.machine, "recorded": arguments.date} | run_of(log, arguments.reprise)))


if __name__ == "__main__":
    main()
