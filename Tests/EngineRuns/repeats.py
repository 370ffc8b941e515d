"""What the callers of repeated runs saw, run by run, as traces/h200/repeats.jsonl has it.

    python repeats.py FOLDER_OF_RUNS --machine 4 --date 2026-11-28 > traces/h200/repeats.jsonl

Reads the callers' logs that `record_vllm.py --repeat` wrote: one line a run, in milliseconds.
"""

import argparse
import json
import math
import re
import statistics
from pathlib import Path

LOG = re.compile(r"(?P<workload>.+)-run(?P<run>\d+)\.(?P<policy>[^.]+)\.client\.jsonl")


def percentile(values, place):
    """By linear interpolation, as everywhere in this project."""
    values = sorted(values)
    position = place * (len(values) - 1)
    low = math.floor(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (position - low) * (values[high] - values[low])


def summary(values):
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {"mean": statistics.fmean(values)} | {name: percentile(values, place) for name, place in places.items()}


def run_of(log):
    found = LOG.fullmatch(log.name)
    tokens = [json.loads(line)["tokens"] for line in log.read_text().splitlines()]
    seen = {
        "ttft": [1e3 * times[0] for times in tokens],
        "itl": [1e3 * (later - sooner) for times in tokens for sooner, later in zip(times, times[1:])],
    }
    numbers = {f"{metric}-{place}": round(value, 4) for metric, values in seen.items() for place, value in summary(values).items()}
    return {"workload": found["workload"], "policy": found["policy"], "run": int(found["run"])} | numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--machine", type=int, required=True)
    parser.add_argument("--date", required=True)
    arguments = parser.parse_args()
    for log in sorted(arguments.runs.glob("**/*.client.jsonl")):
        if LOG.fullmatch(log.name):
            print(json.dumps({"machine": arguments.machine, "recorded": arguments.date} | run_of(log)))


if __name__ == "__main__":
    main()
