"""Time of the recorder's two calls a step when nothing else uses the processor's caches: the least that it takes.

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/call_time.py
"""

import dataclasses
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["REPRISE_TRACE"] = os.environ["REPRISE_RING_BYTES"] = "67108864"

import step_time  # noqa: F401, which finds the modules below
import driving
import reprise_vllm_recorder
import tiny

CALLS = 3000


def measure(running, model, folder):
    os.environ["REPRISE_TRACE"] = str(folder / f"{running}.reprise")
    engine = dataclasses.replace(driving.ENGINE, sequences=running, budget=8192, blocks=20_000, caching=False)
    driver = driving.Driver(engine, model)
    for place in range(running):
        driver.add(f"chatcmpl-{place:032d}", 16, 4000)
    for _ in range(20):
        driver.turn()
    output = driver.schedule()
    recording = driver.scheduler._reprise_recording
    spans = []
    for _ in range(CALLS):
        start = time.perf_counter_ns()
        recording.scheduled(output, 1, 2)
        recording.updated(output, 3)
        spans.append((time.perf_counter_ns() - start) / 1000)
    quantile = statistics.quantiles(spans, n=100)
    print(f"| {running} | {quantile[49]:.1f} | {quantile[89]:.1f} | {quantile[98]:.1f} |")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    reprise_vllm_recorder.register()
    print("| running | median µs | p90 µs | p99 µs |\n|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        model = tiny.write_model(Path(name))
        for running in (64, 512):
            measure(running, model, Path(name))
