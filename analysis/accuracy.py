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

from accuracy_differences import UNSEEN, batches_table, interval_table as difference_interval_table, measured_shares
from accuracy_machines import other_machines
from accuracy_results import RUNS, TRACES, Results, Run, real_runs, repeated
from accuracy_tables import (
    difference_table,
    edge_table,
    error_table,
    estimates,
    goal_table,
    interval_table,
    pair_table,
    percent,
    profile_errors,
    repeated_table,
    round_table,
    source_table,
    words,
)
from committed_measurements import import_arguments

ROOT = Path(__file__).resolve().parent.parent
PROFILE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200.json"
NOISE = ROOT / "Sources" / "CMachineProfiles" / "nvidia-h200-noise.json"
JITTER = 32  # Replays with moved arrivals, for the intervals.


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
    """The path of a profile for each run, fitted without it; the program's own for those that none is fitted on."""
    profiles, work, fits = {}, [], {}
    kernels = [ROOT / path for path in split["kernels"]]
    unseen = {stem for part in split["never_fitted"] for stem in part["reported"]}
    profiles |= dict.fromkeys(unseen, PROFILE)
    stems = [run.stem for group in workloads(lambda stem: stem not in unseen).values() for run in group]
    for number, part in enumerate(split["profiles"]):
        missing = set(part["reported"]) - set(part["left_out"])
        if missing:
            raise SystemExit(f"split.json: {sorted(missing)} are fitted on and reported on")
        path = Path(folder) / f"{number}.json"
        profiles |= {run: path for run in part["reported"]}
        fits.setdefault(frozenset(part["left_out"]), []).append((part["machine"], path))
    # One fit gives the profiles of all machines.
    for left_out, asked in fits.items():
        fitted_on = [stem for stem in stems if stem not in left_out]
        traces = [TRACES / f"{run}.reprise" for run in fitted_on]
        clients = [f"--client={TRACES / run}.client.jsonl.zst" for run in fitted_on]
        machines = [word for machine, path in asked for word in ("--only-machine", machine, "--output", path)]
        work.append(pool.submit(call, options, "calibrate", *kernels, *traces, *clients, "--fit-only", *machines))
    for job in work:
        job.result()
    return profiles


def validate(options, source, targets, profile, *more):
    """What `reprise validate` says of a recording under the rules of other runs, by run."""
    runs = [
        word for target in targets for word in (
            "--policy", target.policy, "--client", target.client, "--steps", target.trace)]
    text = call(options, "validate", source.trace, *runs, "--profile", profile, "--format", "json", *more)
    results = json.loads(text)
    return dict(zip(targets, results if len(targets) > 1 else [results]))


def without_traces(options, profiles, runs, stems):
    """What is predicted, from recordings among `runs`, for runs of the same work of which there are callers' logs alone."""
    found = []
    for target in (Run(*stem.rsplit(".", 1)) for stem in stems):
        for source in (run for group in workloads(runs.__contains__).values() for run in group if run.asked == target.asked):
            text = call(
                options, "validate", source.trace, "--policy", target.policy, "--client", target.client,
                "--profile", profiles[source.stem], "--timing", "profile", "--jitter", JITTER, "--format", "json")
            found.append((source, target, json.loads(text)))
    return found


def page(machines, count, launches, elsewhere):
    """`machines`: the ways of each by its number; `count`: how many there are; `elsewhere`: predictions for runs without a trace, by the machine whose traces they come from."""
    first = machines[1]
    rounds = repeated()
    repeats = real_runs(rounds, machines)
    noise = json.loads(NOISE.read_text())
    floor = ", ".join(f"{words(name)} ± {percent(share)}" for name, share in noise["repeated_runs"].items())
    yield f"""# How far predictions are from a real engine

Made by `python3 analysis/accuracy.py --reprise .build/release/reprise` from the committed recordings (vLLM 0.24.0, {count} NVIDIA
H200s): `reprise validate` on every pair of runs of a workload, errors against what the real run's callers saw. Batches are
rescheduled: only sendings, engine, what its process had served before, and policy come from the runs, and what each column says.

No profile has seen the run that it is reported on: `analysis/split.json` says which runs are left out of each.

- *profile alone*: attention, rest of step and host from such a profile; of the trace, arrivals alone. The prediction for a run is
  then the same from whichever trace of its workload.
- *profile and trace*: attention from such a profile, rest of step and host from the times of the trace that is replayed, as
  `replay` does. Under the same policy that trace is the reported run itself, so those rows are within the fit.
- *measured kernels and trace*: attention from kernels that were executed on an H200 (`traces/h200/measurements.jsonl.zst`), the rest as
  before. No GPU takes part here: a batch that was never executed is estimated from those that were, and a table below says how many were
  and how near estimates are. Decode batches were executed in the engine's order of rows, which decides what two of these kernels take, and those of our own
  kernels behind the matrix product that an engine computes before them. FlashAttention 3 is vLLM's own
  kernel as a provider timed it (`traces/h200/providers.jsonl.zst`): in a graph, scheduled beforehand, which an engine's calls are not quite.

No error can be told from none below the floor: two real runs of the same work, on one machine, gave {floor};
two machines were up to {percent(noise["machine_to_machine"])} apart in ITL mean. What each number means stands in `Sources/Reports/VALIDATION.md`.

A prediction is the middle of {JITTER + 1} replays, of which {JITTER} have arrivals moved as far as real sendings differ from run to run. *Or as real
runs*: within the goal, or the real value lies between the least and the greatest of those replays, each further out by the floor. On an edge, of which
chance decides the side, it may lie further out by the goal. Of the second machine and those after it, which are alike, also where two real runs of
the work, on one of them or on two, the predicted one among them, differ as much as prediction and run; of a difference between policies, where
two such differences, each between runs on one machine, do.

## The goals, and how far they are
"""
    yield from goal_table(first, {})
    yield from estimates(first[-1])
    yield "\n## Difference between two policies in mean ITL\n"
    yield from difference_table(first)
    yield """
## On recorded batches and on rescheduled ones

How much of a real difference in mean ITL (of those that exceed 3 %) is predicted by *profile and trace*. Recorded batches keep what the engine formed under the
recorded policy. A faster rule empties the engine sooner and meets smaller batches, which they leave out, so they show where a rule loses rather than how much it gains:
"""
    yield from batches_table(machines)
    yield """
## Intervals of predicted differences

A predicted difference is given with an interval: what chance does to both runs (moved arrivals, the floor), and beyond that what predictions were off by
here, as a share of them (`predicted_differences_p90` in `Sources/CMachineProfiles/nvidia-h200-noise.json`; a hundred percent and more: not to be told
from none). Nine of ten real differences lie within it by *profile and trace* on all machines, from which it is measured:
"""
    yield from difference_interval_table(machines.values())
    yield f"""
## Is the real value inside the predicted interval?

The interval goes from the least to the greatest of the replays, and further by the measured floor. It holds what chance does to a right
prediction; an error of the model is not in it, so means, whose intervals are narrow, lie outside where the model is off by a percent. *On an edge*:
the ends are more than a quarter apart, as where a percentile of ITL lies between steps with one prompt and steps with two.
"""
    yield from interval_table(first)
    yield "\nPercentiles on an edge:\n"
    yield from edge_table(first)
    for way in first:
        yield f"\n## Every pair: {way.title}\n"
        yield from pair_table(way)
    for way in first[1:]:
        yield f"\n## Where the errors come from: {way.title}, as shares of the real value\n"
        yield from source_table(way)
    yield from other_machines(machines, launches, elsewhere, repeats, rounds)
    yield from profile_errors(json.loads(PROFILE.read_text()))


def check_shares(machines):
    """The floor in the binary has what is measured here."""
    measured, known = measured_shares(machines), json.loads(NOISE.read_text()).get("predicted_differences_p90")
    if measured != known:
        raise SystemExit(f"{NOISE}: 'predicted_differences_p90' is to be {json.dumps(measured)}")


def all_ways(options, profiles, runs, store, pool):
    """The ways to take step times, over every pair of runs of a workload."""
    groups = workloads(runs.__contains__).values()
    pairs = [(a, b) for group in groups for a in group for b in group]

    def start(chosen, *more):
        together = {}
        for source, target in chosen:
            together.setdefault((source, profiles[target.stem]), []).append(target)
        return {
            source_profile: pool.submit(
                validate, options, source_profile[0], targets, source_profile[1], "--jitter", JITTER, *more)
            for source_profile, targets in together.items()}

    alone = start([(a, b) for a, b in pairs if a == b], "--rest", "profile", "--timing", "profile")
    trace = start(pairs, "--timing", "profile")
    kernels = ["--kernels", options.kernels] if options.kernels else []
    measured = start(pairs, "--timing", "gpu", "--measurements", store, *kernels)
    alone, trace, measured = (
        {(source, target): result for (source, _), job in jobs.items() for target, result in job.result().items()}
        for jobs in (alone, trace, measured))
    return [
        # The same prediction from whichever trace of the workload.
        Results("profile alone", "profile", {(a, b): alone[b, b] for a, b in pairs}),
        Results("profile and trace", "profile", trace),
        Results("measured kernels and trace", "measured", measured),
    ]


def launch_times(profiles):
    """How long launching a step with prompts takes, by profiles of one machine."""
    hosts = [
        model["host"] for path in profiles for model in json.loads(Path(path).read_text())["models"]
        if model["model"]["name"].startswith("mistral")]
    medians = sorted(host["piece_launch_us"] / 1e3 for host in hosts)
    longest = max(
        host["piece_launch_us"] + max(host["piece_launch_spread_us"] + host["new_size_launch_spread_us"])
        for host in hosts) / 1e3
    return f"{medians[0]:.0f} to {medians[-1]:.0f} ms and up to {longest:.0f}"


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
        profiles = calibrated(options, split, pool, folder)
        store = options.measurements or Path(folder) / "measurements.sqlite"
        call(options, "measure", "--measurements", store, *import_arguments(TRACES, folder))
        machines = {}
        for part in split["profiles"]:
            machines.setdefault(part.get("reported_on", part["machine"]), set()).update(part["reported"])
        count = len(machines) + len(split["never_fitted"])
        machines[UNSEEN] = {stem for part in split["never_fitted"] for stem in part["reported"]}
        ways = {machine: all_ways(options, profiles, machines[machine], store, pool) for machine in sorted(machines)}
        launches = {machine: launch_times({profiles[stem] for stem in machines[machine]}) for machine in (1, 2)}
        elsewhere = {
            part["traces_of"]: without_traces(options, profiles, machines[part["traces_of"]], part["logs"])
            for part in split["unrecorded"]}
        print("\n".join(page(ways, count, launches, elsewhere)), flush=True)
        check_shares(ways.values())


if __name__ == "__main__":
    main()
