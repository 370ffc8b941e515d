"""Runs of a real engine, and how far predictions of them are off."""

import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TRACES = Path(__file__).resolve().parent.parent / "traces" / "h200"
# The engine's name of a run, and the policy that it followed.
RUNS = {"always-2d": "always-2d", "vllm-default": "vllm-0.13", "flash-attention-3": "flash-attention-3"}
REPEATS = TRACES / "repeats.jsonl"
STATISTICS = ("itl-mean", "itl-p50", "itl-p99", "ttft-mean", "ttft-p50", "ttft-p90")
DIFFERENCE_MIN = 0.03  # Differences below this share of mean ITL are not judged.


@dataclass(frozen=True)
class Run:
    workload: str
    name: str  # The engine's name of the rule.

    @property
    def stem(self):
        return f"{self.workload}.{self.name}"

    @property
    def policy(self):
        return RUNS[self.name]

    @property
    def trace(self):
        return TRACES / f"{self.stem}.reprise"

    @property
    def client(self):
        return TRACES / f"{self.stem}.client.jsonl.zst"


    @property
    def asked(self):
        """The workload whatever run of it this is."""
        return re.sub(r"(-(again|warm|cached|v2|m\d+|unrecorded))+$", "", self.workload)


def repeated():
    """By workload and policy, what callers of runs on one machine saw, in the order of the runs."""
    runs = {}
    for line in REPEATS.read_text().splitlines():
        record = json.loads(line)
        runs.setdefault((record["workload"], record["policy"]), []).append(record)
    return {key: sorted(found, key=lambda record: record["run"]) for key, found in runs.items()}


def real_runs(repeats, machines):
    """The same with the runs that are predicted, given the ways of machines; those after the first are alike."""
    runs = {key: list(found) for key, found in repeats.items()}
    for machine, ways in machines.items():
        for (source, target), result in ways[0].by_pair.items():
            if source == target and machine > 1:
                seen = {name: result["statistics"][name]["real"] for name in STATISTICS} | {"machine": machine}
                runs.setdefault((target.asked, target.name), []).append(seen)
    return runs


def apart(runs, name):
    """The furthest that a statistic of two of these runs is apart, as a share."""
    return max(
        (abs(a[name] / b[name] - 1) for a, b in itertools.permutations(runs, 2)), default=0.0)


def differences_apart(runs, others, name):
    """The furthest that differences between runs under one policy and under another, each pair on one machine, are apart."""
    found = [b[name] - a[name] for a in runs for b in others if a["machine"] == b["machine"]]
    return max(found) - min(found) if found else 0.0


@dataclass
class Goal:
    """A row of the table: what is judged, the errors allowed, and where the errors come from."""

    title: str
    measured: float
    profile: float
    errors: list = field(default_factory=list)
    # For each error, whether real runs of the work differ as much: the real value lies where chance
    # may take a right prediction, or two real runs were as far apart.
    as_real: list = field(default_factory=list)


class Results:
    """The results of one way to take step times, by source and target run."""

    def __init__(self, title, goal, by_pair):
        self.title, self.goal, self.by_pair = title, goal, by_pair

    def statistics(self, same, name):
        """A statistic of all predictions under the recorded policy, or of those under another one,
        with the run that is predicted."""
        return [
            (target, result["statistics"][name])
            for (source, target), result in self.by_pair.items() if (source == target) == same]

    def decode_steps(self):
        kinds = [result["steps"]["decode"] for result in self.by_pair.values()]
        return [kind["mape"] for kind in kinds if kind]

    def differences(self):
        """For each two runs of a workload: real and predicted difference in mean ITL, real one's share."""
        for (source, target), result in self.by_pair.items():
            own = self.by_pair.get((source, source))
            if source == target or own is None:
                continue
            values = [r["statistics"]["itl-mean"] for r in (own, result)]
            real = values[1]["real"] - values[0]["real"]
            predicted = values[1]["predicted"] - values[0]["predicted"]
            yield source, target, real, predicted, abs(real) / values[0]["real"]

    def answers(self):
        """How times of measured kernels were found, by kernels (own, or packages') and form of batch."""
        counts = {}
        for pair, result in self.by_pair.items():
            kernels = "FlashAttention 3" if any("flash" in run.name for run in pair) else "this project's kernels"
            for form, ways in result.get("timing_estimates", {}).get("answers", {}).items():
                counts.setdefault((kernels, form), Counter()).update(ways)
        return counts

    def estimate_errors(self):
        """Errors of estimates on measured batches kept out of them, by kernel and form of batch."""
        errors = {}
        for result in self.by_pair.values():
            for error in result.get("timing_estimates", {}).get("errors", []):
                errors[error["part"]] = error
        return [errors[part] for part in sorted(errors)]

    def judged(self):
        return [entry for entry in self.differences() if entry[4] > DIFFERENCE_MIN]


def words(name):
    """A statistic's name in print."""
    metric, place = name.split("-")
    return f"{metric.upper()} {place}"


def goals(results, repeats):
    """The rows of the table with the errors of one way; `repeats`: real runs on machines like these, by what was asked."""
    rows = []

    def as_real(target, name, entry, goal):
        runs = repeats.get((target.asked, target.name), [])
        interval, real = entry["interval"], entry["real"]
        # Chance decides the side of an edge, so there the interval is judged.
        beyond = max(interval["low"] - real, real - interval["high"], 0) / real
        on_edge = interval["spans_an_edge"] and beyond <= goal
        return interval["contains_real"] or on_edge or abs(entry["error"]) <= apart(runs, name)

    def row(same, name, measured, profile):
        found = results.statistics(same, name)
        goal = {"measured": measured, "profile": profile}[results.goal]
        rows.append(Goal(
            f"{'same' if same else 'other'} policy, {words(name)}", measured, profile,
            [abs(entry["error"]) for _, entry in found],
            [as_real(target, name, entry, goal) for target, entry in found]))

    for name in ("itl-mean", "itl-p50", "itl-p99"):
        row(True, name, 0.02, 0.04)
    for name in ("ttft-mean", "ttft-p50", "ttft-p90"):
        row(True, name, 0.05, 0.08)
    for name in ("itl-mean", "itl-p50"):
        row(False, name, 0.03, 0.06)
    for name in ("ttft-mean", "ttft-p50"):
        row(False, name, 0.08, 0.12)
    judged = results.judged()
    rows.append(Goal(
        "difference between two policies in mean ITL, of it", 0.15, 0.25,
        [abs(predicted / real - 1) for _, _, real, predicted, _ in judged],
        [abs(predicted - real) <= differences_apart(
            *(repeats.get((run.asked, run.name), []) for run in (source, target)), "itl-mean")
         for source, target, real, predicted, _ in judged]))
    rows.append(Goal("step time, decode steps, MAPE", 0.02, 0.04, results.decode_steps()))
    return rows
