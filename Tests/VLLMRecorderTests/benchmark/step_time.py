"""Time that recording takes of a step in the engine's process, with vLLM's own scheduler and no model.

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/step_time.py

Counted is what runs more than without the plugin: from the return of vLLM's `schedule` and `update_from_output` to
the return of their wrappers, and what the wrappers do before, the library included. `steady`: the same requests
decode. `churn`: in every step one request ends and another begins. Requests that have ended are kept alive for some
steps, since to free them is vLLM's work whoever holds them last. All cases take turns, and a case's figures are those
of the steps of all its turns, so that none is measured in a bad moment of the machine alone. What longer traces take in
bytes stands in Sources/TraceRecorder/BENCHMARK.md. Prints tables in Markdown.
"""

import collections
import dataclasses
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parents[1] / "SchedulerDifferential")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import driving
import reprise_vllm_recorder
import tiny
from reprise_vllm_recorder import hooks
from vllm.v1.core.sched.scheduler import Scheduler

# Steps of a case that are timed in each turn, those before them, and ended requests that are kept.
STEPS, WARM_UP, KEPT = int(os.environ.get("STEPS", "250")), 50, 8
TURNS = int(os.environ.get("TURNS", "5"))
NAMES = ("schedule", "update_from_output")
# The most that a step may take, in microseconds, by the requests that run.
AIM = {64: 20, 512: 60}
LOADS = ("steady", "churn")


class Watch:
    """Watches around vLLM's methods."""

    def __init__(self):
        self.spent = 0

    def put_on(self, methods):
        for name, method in methods.items():
            setattr(Scheduler, name, self.timed(method))

    def timed(self, original):
        def call(*args, **kwargs):
            start = time.perf_counter_ns()
            result = original(*args, **kwargs)
            self.spent += time.perf_counter_ns() - start
            return result

        return call


def measure(asynchronous, running, load, model, folder, inner, outer):
    """Microseconds of each timed step, and how many requests were recorded, None without the plugin."""
    path = folder / f"{running}-{load}-{asynchronous}-{time.monotonic_ns()}.reprise"
    os.environ["REPRISE_TRACE"] = str(path)
    engine = dataclasses.replace(
        driving.ENGINE, sequences=running, budget=8192, blocks=running * 40 + 4000, asynchronous=asynchronous, caching=False
    )
    driver = driving.Driver(engine, model)
    churn = load == "churn"
    length = running if churn else STEPS + WARM_UP + 100
    added, living, ended = 0, collections.deque(), collections.deque()

    def add(outputs):
        nonlocal added
        name = f"chatcmpl-{added:032d}"
        driver.add(name, 16, outputs)
        living.append(driver.requests[name])
        added += 1

    # Under churn, one of the first requests ends in each step, and so on from there.
    for place in range(running):
        add(place + 2 if churn else length)
    spans = []
    for turn in range(STEPS + WARM_UP):
        if turn and churn:
            add(running)
        inner.spent = outer.spent = 0
        driver.turn()
        spans.append((outer.spent - inner.spent) / 1000)
        driver.steps.clear()
        driver.requests.clear()
        while living[0].is_finished():
            ended.append(living.popleft())
        while len(ended) > KEPT:
            ended.popleft()
    recording, recorded = getattr(driver.scheduler, hooks.SLOT, None), None
    if recording is not None:
        recording.recorder.flush(recording.recorder.handle, 10_000)
        counts = recording.recorder.read_statistics()
        assert counts.dropped_steps == 0 and counts.invalid_calls == 0, counts.last_error
    driver.scheduler.shutdown()
    if recording is not None:
        assert counts.steps == STEPS + WARM_UP and path.stat().st_size
        recorded = counts.requests
    return spans[WARM_UP:], recorded


def table(title, results):
    print(f"\n{title}\n")
    print("| scheduler | running | load | median µs | p90 µs | p99 µs | aim µs | churn / steady | requests |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    spans = {case: [span for turn, _ in turns for span in turn] for case, turns in results.items()}
    for case, turns in results.items():
        asynchronous, running, load = case
        quantile = statistics.quantiles(spans[case], n=100)
        of_steady = statistics.median(spans[case]) / statistics.median(spans[asynchronous, running, "steady"])
        requests = sum(recorded or 0 for _, recorded in turns)
        cells = [
            "AsyncScheduler" if asynchronous else "Scheduler", running, load,
            *(f"{quantile[place]:.1f}" for place in (49, 89, 98)), AIM[running] if requests else "",
            f"{of_steady:.2f}" if load == "churn" and requests else "", requests or ""]  # fmt: skip
        print("|", " | ".join(map(str, cells)), "|", flush=True)


def main():
    logging.disable(logging.WARNING)
    os.environ["REPRISE_TRACE"] = "set"
    cases = [(asynchronous, running, load) for asynchronous in (False, True) for running in AIM for load in LOADS]
    inner, outer = Watch(), Watch()
    inner.put_on({name: getattr(Scheduler, name) for name in NAMES})
    bare = {name: getattr(Scheduler, name) for name in NAMES}
    reprise_vllm_recorder.register()
    wrapped = {name: getattr(Scheduler, name) for name in NAMES}
    assert all(hasattr(method, hooks.MARK) for method in wrapped.values())
    without = "The two watches without the plugin between them, which is in the figures above:"
    tables = {"Steps read in C:": ("C", wrapped), "Steps read in Python:": ("Python", wrapped), without: ("", bare)}
    results = {title: {case: [] for case in cases if title != without or not case[0]} for title in tables}
    with tempfile.TemporaryDirectory() as name:
        model = tiny.write_model(Path(name))
        for _ in range(TURNS):
            for title, (language, methods) in tables.items():
                os.environ["REPRISE_RECORDER_STEPS"] = language
                outer.put_on(methods)
                for case, turns in results[title].items():
                    turns.append(measure(*case, model, Path(name), inner, outer))
                    assert bool(turns[-1][1]) == (title != without), "the plugin does not record, or records when it is off"
    for title in tables:
        table(title, results[title])


if __name__ == "__main__":
    main()
