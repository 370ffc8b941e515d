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
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from accuracy_results import RUNS, TRACES, Results, Run
from accuracy_tables import (
    difference_table,
    edge_table,
    estimates,
    goal_table,
    interval_table,
    pair_table,
    percent,
    profile_errors,
    repeated_table,
    source_table,
    words,
)
from committed_measurements import import_arguments

ROOT = Path(__file__).resolve().parent.parent
PROFILE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200.json"
NOISE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200-noise.json"
JITTER = 16  # Replays with moved arrivals, for the intervals.


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
    yield from profile_errors(json.loads(PROFILE.read_text()))


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
