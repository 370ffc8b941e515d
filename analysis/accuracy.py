"""Holds predictions from the committed recordings to what the callers of the real runs saw.

Every prediction is made by `reprise validate` with a profile that was calibrated here without the run
that it is reported on: `split.json` says which runs each profile is fitted on. Real figures come from
the clients' own logs.

    python3 analysis/accuracy.py --reprise .build/release/reprise > analysis/ACCURACY.md

Kernels are measured ones in the last column: the committed measurements answer, and estimate batches
that were never executed. With --measurements and --kernels a GPU executes those instead, into that store.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from accuracy_intervals import edge_table, interval_table, words
from committed_measurements import import_arguments

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT / "traces" / "h200"
PROFILE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200.json"
NOISE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200-noise.json"
# The engine's name of a run, and the policy that it followed.
RUNS = {"always-2d": "always-2d", "vllm-default": "vllm-0.13", "flash-attention-3": "flash-attention-3"}

JITTER = 16  # Replays with moved arrivals, for the intervals.
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


@dataclass
class Goal:
    """A row of the table: what is judged, the errors allowed, and where the errors come from."""

    title: str
    measured: float
    profile: float
    errors: list = field(default_factory=list)


def call(options, *arguments):
    # The committed figures are those of a machine without a GPU.
    environment = os.environ if options.measurements else os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(
        [options.reprise, *map(str, arguments)], capture_output=True, text=True, env=environment)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {result.stderr.strip()}")
    return result.stdout


def workloads(chosen):
    """Runs by workload, of those whose names `chosen` takes."""
    runs = {}
    for path in sorted(TRACES.glob("*.reprise")):
        stem = path.name.removesuffix(".reprise")
        if not chosen(stem):
            continue
        workload, name = next(
            (stem.removesuffix("." + name), name) for name in RUNS if stem.endswith("." + name))
        runs.setdefault(workload, []).append(Run(workload, name))
    return runs


def calibrated(options, split, pool, folder):
    """The path of a profile for each run, fitted without it."""
    profiles, work = {}, []
    kernels = [ROOT / path for path in split["kernels"]]
    for number, part in enumerate(split["profiles"]):
        overlap = set(part["reported"]) & set(part["fitted_on"])
        if overlap:
            raise SystemExit(f"split.json: {sorted(overlap)} are fitted on and reported on")
        path = Path(folder) / f"{number}.json"
        profiles |= {run: path for run in part["reported"]}
        traces = [TRACES / f"{run}.reprise" for run in part["fitted_on"]]
        clients = [f"--client={TRACES / run}.client.jsonl.zst" for run in part["fitted_on"]]
        work.append(pool.submit(
            call, options, "calibrate", *kernels, *traces, *clients, "--fit-only", "--output", path))
    for job in work:
        job.result()
    return profiles


def validate(options, source, target, profile, *more):
    """What `reprise validate` says of a recording under the rule of another run."""
    steps = [] if source == target else ["--steps", target.trace]
    text = call(
        options, "validate", source.trace, "--client", target.client, "--policy", target.policy,
        "--profile", profile, "--format", "json", *steps, *more)
    return json.loads(text)


class Results:
    """The results of one way to take step times, by source and target run."""

    def __init__(self, title, goal, by_pair):
        self.title, self.goal, self.by_pair = title, goal, by_pair

    def errors(self, same, name):
        return [
            abs(result["statistics"][name]["error"])
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


def goals(results):
    """The rows of the table with the errors of one way."""
    rows = []

    def row(title, measured, profile, errors):
        rows.append(Goal(title, measured, profile, errors))

    for name in ("itl-mean", "itl-p50", "itl-p99"):
        row(f"same policy, {words(name)}", 0.02, 0.04, results.errors(True, name))
    for name in ("ttft-mean", "ttft-p50", "ttft-p90"):
        row(f"same policy, {words(name)}", 0.05, 0.08, results.errors(True, name))
    for name in ("itl-mean", "itl-p50"):
        row(f"other policy, {words(name)}", 0.03, 0.06, results.errors(False, name))
    for name in ("ttft-mean", "ttft-p50"):
        row(f"other policy, {words(name)}", 0.08, 0.12, results.errors(False, name))
    row(
        "difference between two policies in mean ITL, of it", 0.15, 0.25,
        [abs(predicted / real - 1) for _, _, real, predicted, _ in results.judged()])
    row("step time, decode steps, MAPE", 0.02, 0.04, results.decode_steps())
    return rows


def percent(share, places=1):
    return f"{100 * share:.{places}f} %"


def signed(share):
    return f"{100 * share:+.1f} %" if round(100 * share, 1) else "0.0 %"


def cell(errors, goal):
    if not errors:
        return " – | – | – "
    held = sum(error <= goal for error in errors)
    return f" {percent(max(errors))} | {percent(statistics.median(errors))} | {held} of {len(errors)} "


def goal_table(ways):
    yield "| | " + " | ".join(f"goal | {way.title}: worst | median | within" for way in ways) + " |"
    yield "|---|" + "---|" * (4 * len(ways))
    for rows in zip(*(goals(way) for way in ways)):
        cells = []
        for way, row in zip(ways, rows):
            goal = getattr(row, way.goal)
            cells.append(f" {percent(goal, 0)} |{cell(row.errors, goal)}")
        yield f"| {rows[0].title} |" + "|".join(cells) + "|"
    cells = []
    for way in ways:
        judged = way.judged()
        right = sum((real > 0) == (predicted > 0) for _, _, real, predicted, _ in judged)
        cells.append(f" all right | – | – | {right} of {len(judged)} ")
    yield "| ranking of policies by mean ITL, where they differ by more than 3 % |" + "|".join(cells) + "|"


def pair_table(way):
    names = ("itl-mean", "itl-p50", "itl-p99", "ttft-mean", "ttft-p50", "ttft-p90")
    yield "| workload | recorded under | replayed under | " + " | ".join(map(words, names)) + (
        " | decode steps | batches part at |")
    yield "|---|---|---|" + "---|" * (len(names) + 2)
    for (source, target), result in way.by_pair.items():
        errors = [signed(result["statistics"][name]["error"]) for name in names]
        decode = result["steps"]["decode"]
        errors.append(percent(decode["mape"]) if decode else "–")
        parted = result["divergence"]["first_step"]
        errors.append("never" if parted is None else f"step {parted}")
        yield f"| {source.workload} | {source.name} | {target.name} | " + " | ".join(errors) + " |"


def source_table(way):
    terms = ("scheduling", "attention", "rest", "variation", "host", "client")
    yield "| workload | recorded under | replayed under | statistic | error | " + " | ".join(terms) + " |"
    yield "|---|---|---|---|---|" + "---|" * len(terms)
    for (source, target), result in way.by_pair.items():
        for name in ("itl-mean", "ttft-mean"):
            sources = result["sources"][name]
            real = result["statistics"][name]["real"]
            shares = [signed(sources[term] / real) for term in ("total", *terms)]
            yield f"| {source.workload} | {source.name} | {target.name} | {words(name)} | " + (
                " | ".join(shares) + " |")


def difference_table(ways):
    yield "| workload | from | to | real | " + " | ".join(way.title for way in ways) + " |"
    yield "|---|---|---|---|" + "---|" * len(ways)
    tables = [
        {(source, target): entry for source, target, *entry in way.differences()} for way in ways]
    for key, (real, _, _) in tables[0].items():
        source, target = key
        cells = [f"{table[key][1]:+.3f} ms" if key in table else "–" for table in tables]
        yield f"| {source.workload} | {source.name} | {target.name} | {real:+.3f} ms | " + (
            " | ".join(cells) + " |")


def page(options, ways, later, split):
    noise = json.loads(NOISE.read_text())
    floor = ", ".join(f"{words(name)} ± {percent(share)}" for name, share in noise["repeated_runs"].items())
    yield f"""# How far predictions are from a real engine

Made by `python3 analysis/accuracy.py --reprise .build/release/reprise` from the committed recordings (vLLM 0.24.0, one NVIDIA
H200): `reprise validate` on every pair of runs of a workload, errors against what the real run's callers saw. Batches are
rescheduled: only arrivals, engine and policy come from the trace, and what each column says.

No profile has seen the run that it is reported on: `analysis/split.json` says which runs each is fitted on.

- *profile alone*: attention, rest of step and host from such a profile; of the trace, arrivals alone. The prediction for a run is
  then the same from whichever trace of its workload.
- *profile and trace*: attention from such a profile, rest of step and host from the GPU times of the trace that is replayed, as
  `replay` does. Under the same policy that trace is the reported run itself, so those rows are within the fit.
- *measured kernels and trace*: attention from kernels that were executed on an H200 (`traces/h200/measurements.jsonl.zst`), the rest as
  before. No GPU takes part here: a batch that was never executed is estimated from those that were, and a table below says how many were
  and how near estimates are. FlashAttention 3 is vLLM's own
  kernel as a provider timed it (`traces/h200/providers.jsonl.zst`): in a graph, scheduled beforehand, which an engine's calls are not quite.

No error can be told from none below the floor: two real runs of the same work, on one machine, gave {floor};
two machines were up to {percent(noise["machine_to_machine"], 0)} apart. What each number means stands in `Sources/Reports/VALIDATION.md`.

## The goals, and how far they are
"""
    yield from goal_table(ways)
    yield from estimates(ways[-1])
    yield "\n## Difference between two policies in mean ITL\n"
    yield from difference_table(ways)
    yield f"""
## Is the real value inside the predicted interval?

The same predictions from {JITTER} replays more, with arrivals moved as far as real sendings differ from run to run: the interval goes
from the least to the greatest, and further by the measured floor. It holds what chance does to a right prediction; an error
of the model is not in it, so means, whose intervals are narrow, lie outside where the model is off by a percent. *On an edge*:
the ends are more than a quarter apart, as where a percentile of ITL lies between steps with one prompt and steps with two, or
where requests of one moment may be served in another order.
"""
    yield from interval_table(ways[:2])
    yield "\nPercentiles on an edge:\n"
    yield from edge_table(ways[:2])
    for way in ways:
        yield f"\n## Every pair: {way.title}\n"
        yield from pair_table(way)
    for way in ways[1:]:
        yield f"\n## Where the errors come from: {way.title}, as shares of the real value\n"
        yield from source_table(way)
    yield from later_runs(later, ways[0])
    yield from profile_errors()


def estimates(way):
    """What of the measured kernels' times was executed, and how near the others are."""
    yield "\n## Measured kernels: executed, and estimated\n"
    yield (
        "Times that the predictions above asked for: of the very batch, between two executed lengths of a growing batch, or estimated "
        "from executed batches like it.\n")
    yield "| runs of | batches | executed | interpolated | estimated |"
    yield "|---|---|---|---|---|"
    for (kernels, form), counts in sorted(way.answers().items(), reverse=True):
        shares = [percent(counts[name] / counts.total()) for name in ("executed", "interpolated", "estimated")]
        yield f"| {kernels} | {form} | " + " | ".join(shares) + " |"
    yield (
        "\nEstimates of measured batches that were kept out of them (whole growing batches at a time):\n")
    yield "| kernel and batches | median | 90th percentile | worst | batches |"
    yield "|---|---|---|---|---|"
    for error in way.estimate_errors():
        shares = [percent(error[name]) for name in ("median", "p90", "max")]
        yield f"| {error['part']} | " + " | ".join(shares) + f" | {error['rows']} |"


def profile_errors():
    """The built-in profile's own errors, as calibration found them."""
    yield "\n## The built-in profile on data that it was not fitted to\n"
    yield "| part | median | 90th percentile | worst | rows |"
    yield "|---|---|---|---|---|"
    profile = json.loads(PROFILE.read_text())
    parts = [(k["variant"], k["held_out_error"]) for k in profile["kernels"]]
    for model in profile["models"]:
        name = model["model"]["name"]
        parts += [(f"{name}, decode steps", model["decode_step_error"])]
        parts += [(f"{name}, steps with prompts", model["mixed_step_error"])]
    for name, e in parts:
        yield f"| {name} | " + " | ".join(percent(e[key]) for key in ("median", "p90", "max")) + f" | {e['rows']} |"


def all_ways(options, split, pool, folder):
    profiles = calibrated(options, split, pool, folder)
    later = set(split["reported_only"]["runs"])
    runs = workloads(lambda stem: stem not in later)
    pairs = [(a, b) for group in runs.values() for a in group for b in group]

    def start(chosen, *more):
        jobs = [
            (source, target, pool.submit(validate, options, source, target, profiles[target.stem], *more))
            for source, target in chosen]
        return jobs

    moved = ["--jitter", JITTER]
    alone = start(
        [(a, b) for a, b in pairs if a == b], "--rest", "profile", "--timing", "profile", *moved)
    trace = start(pairs, "--timing", "profile", *moved)
    store = options.measurements or Path(folder) / "measurements.sqlite"
    call(options, "measure", "--measurements", store, *import_arguments(TRACES, folder))
    measured = start(
        pairs, "--jitter", 0, "--timing", "gpu", "--measurements", store,
        *(["--kernels", options.kernels] if options.kernels else []))
    finished = [{(a, b): job.result() for a, b, job in jobs} for jobs in (alone, trace, measured)]
    # The same prediction from whichever trace of the workload.
    by_run = {target: result for (_, target), result in finished[0].items()}
    finished[0] = {(a, b): by_run[b] for a, b in pairs}
    ways = [
        Results("profile alone", "profile", finished[0]),
        Results("profile and trace", "profile", finished[1]),
        Results("measured kernels and trace", "measured", finished[2]),
    ]
    return ways


def later_ways(options, split, pool):
    """Predictions of the runs made after the built-in profile, by that profile."""
    later = set(split["reported_only"]["runs"])
    fitted = {run for part in split["profiles"] for run in part["fitted_on"]}
    if later & fitted:
        raise SystemExit(f"split.json: {sorted(later & fitted)} are fitted on and reported only")
    pairs = [(a, b) for group in workloads(later.__contains__).values() for a in group for b in group]

    def start(chosen, *more):
        return {pair: pool.submit(validate, options, *pair, PROFILE, "--timing", "profile", *more) for pair in chosen}

    alone = start([(a, b) for a, b in pairs if a == b], "--rest", "profile")
    trace = start(pairs)
    by_run = {b: job.result() for (_, b), job in alone.items()}
    return [
        Results("profile alone", "profile", {(a, b): by_run[b] for a, b in pairs}),
        Results("profile and trace", "profile", {pair: job.result() for pair, job in trace.items()}),
    ]


def repeated_table(first, again):
    """What callers of two real runs saw that were asked the same."""
    names = ("itl-mean", "itl-p50", "itl-p99", "ttft-mean", "ttft-p50", "ttft-p90")
    yield "| workload | policy | " + " | ".join(map(words, names)) + " |"
    yield "|---|---|" + "---|" * len(names)
    own = {target: result for (source, target), result in again.by_pair.items() if source == target}
    for (source, target), result in first.by_pair.items():
        repeat = own.get(Run(f"{target.workload}-again", target.name))
        if source == target and repeat:
            changes = [repeat["statistics"][n]["real"] / result["statistics"][n]["real"] - 1 for n in names]
            yield f"| {target.workload} | {target.name} | " + " | ".join(map(signed, changes)) + " |"


def later_runs(ways, earlier):
    yield "\n## Runs made after the profile was fitted\n"
    yield (
        "Recorded with this project's own plugin on another H200 (`Tests/EngineRuns`): other rates, lengths and mixes, of which the built-in "
        "profile has seen none. `random-qps5-again` alone asks what `random-qps5` asked, on which the profile is fitted, so that two real runs\n"
        "of the same work on two machines can be compared; how much more the callers of the later one saw than those of the earlier:\n")
    yield from repeated_table(earlier, ways[0])
    yield ""
    yield from goal_table(ways)
    yield ""
    yield from difference_table(ways)
    own = Results(ways[0].title, ways[0].goal, {
        pair: result for pair, result in ways[0].by_pair.items() if pair[0] == pair[1]})
    yield "\n### Every run: profile alone\n"
    yield from pair_table(own)
    yield f"\n### Every pair: {ways[1].title}\n"
    yield from pair_table(ways[1])
    yield "\n### Where the errors come from: profile alone, as shares of the real value\n"
    yield from source_table(own)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    parser.add_argument("--measurements", help="a store of measured kernels, filled by a GPU where it lacks some")
    parser.add_argument("--kernels", help="compiled kernels, for what the store lacks")
    options = parser.parse_args()
    split = json.loads((ROOT / "analysis" / "split.json").read_text())
    # A GPU serves one process at a time.
    workers = 1 if options.measurements else os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        print("\n".join(page(options, all_ways(options, split, pool, folder), later_ways(options, split, pool), split)))


if __name__ == "__main__":
    main()
