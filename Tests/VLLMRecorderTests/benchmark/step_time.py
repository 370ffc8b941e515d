"""Time that recording takes of a step in the engine's process, with vLLM's own scheduler and no model.

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/step_time.py

Counted is what runs more than without the plugin: from the return of vLLM's `schedule` and `update_from_output` to
the return of their wrappers, and what the wrappers do before, ctypes and the library included. `steady`: the same
requests decode. `churn`: in every step one request ends and another begins. Prints a table in Markdown.
"""

import logging
import os
import resource
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
import vllm_cases
from reprise_vllm_recorder import hooks
from vllm.v1.core.sched.scheduler import Scheduler

STEPS, WARM_UP = 1500, 100
PACE = float(os.environ.get("PACE", "0"))


class Inner:
    """vLLM's methods with a watch around them, inside the wrappers."""

    def __init__(self):
        self.spent = 0
        for name in ("schedule", "update_from_output"):
            setattr(Scheduler, name, self.timed(getattr(Scheduler, name)))

    def timed(self, original):
        def call(*args, **kwargs):
            start = time.perf_counter_ns()
            result = original(*args, **kwargs)
            self.spent += time.perf_counter_ns() - start
            return result

        return call


class Outer(Inner):
    """The same around the wrappers; what is more than inside is the recorder's."""


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def measure(asynchronous, running, churn, model, folder, inner, outer):
    path = folder / f"{running}-{churn}-{asynchronous}.reprise"
    os.environ["REPRISE_TRACE"] = str(path)
    engine = vllm_cases.dataclasses.replace(
        driving.ENGINE, sequences=running, budget=8192, blocks=running * 40 + 4000, asynchronous=asynchronous, caching=False
    )
    driver = driving.Driver(engine, model)
    length = running if churn else STEPS + WARM_UP + 100
    added = 0

    def add(outputs):
        nonlocal added
        driver.add(f"chatcmpl-{added:032d}", 16, outputs)
        added += 1

    # Under churn, one of the first requests ends in each step, and so on from there.
    for place in range(running):
        add(place + 2 if churn else length)
    before, spans = resident(), []
    for turn in range(STEPS + WARM_UP):
        if turn and churn:
            add(running)
        inner.spent = outer.spent = 0
        driver.turn()
        spans.append((outer.spent - inner.spent) / 1000)
        driver.steps.clear()
        driver.requests.clear()
        # An engine's step takes longer than the scheduler alone; PACE is how many seconds.
        time.sleep(PACE)
    spans = sorted(spans[WARM_UP:])
    grown = resident() - before
    recorder = driver.scheduler._reprise_recording.recorder
    recorder.flush(recorder.handle, 10_000)
    counts = recorder.read_statistics()
    driver.scheduler.shutdown()
    assert counts.dropped_steps == 0 and counts.invalid_calls == 0, counts.last_error
    quantile = statistics.quantiles(spans, n=100)
    return quantile[49], quantile[89], quantile[98], path.stat().st_size, counts.requests, grown


def main():
    logging.disable(logging.WARNING)
    os.environ["REPRISE_TRACE"] = "set"
    inner = Inner()
    reprise_vllm_recorder.register()
    for name in ("schedule", "update_from_output"):
        assert hasattr(getattr(Scheduler, name), hooks.MARK)
    outer = Outer()
    # The trace's clock is the engine's, whose steps are longer than these: bytes are those of times as they come.
    print("| scheduler | running | load | median µs | p90 µs | p99 µs | bytes a step | requests | memory grown, MB |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = tiny.write_model(folder)
        for asynchronous in (False, True):
            for running in (64, 512):
                for churn in (False, True):
                    median, p90, p99, size, requests, grown = measure(
                        asynchronous, running, churn, model, folder, inner, outer
                    )
                    kind = "AsyncScheduler" if asynchronous else "Scheduler"
                    load = "churn" if churn else "steady"
                    print(
                        f"| {kind} | {running} | {load} | {median:.1f} | {p90:.1f} | {p99:.1f} "
                        f"| {size / (STEPS + WARM_UP):.1f} | {requests} | {grown / 1e6:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
