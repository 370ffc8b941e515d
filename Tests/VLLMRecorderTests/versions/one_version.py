"""Drives the schedulers of the vLLM that can be imported here under the plugin; prints what was compared as JSON.

    python one_version.py --count 50 --library libRepriseRecorder.so --reprise reprise

The plugin is the one that is installed here; where it has a compiled part, workloads are run with and without it.
Exit 0 the traces are row for row what the caller of the scheduler saw, 1 one is not.
"""

import argparse
import dataclasses
import json
import logging
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "SchedulerDifferential")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")


class Comparison:
    """Runs workloads, and compares the trace of each with the log that its caller took."""

    def __init__(self, folder, reprise):
        self.trace = folder / "trace.reprise"
        self.reprise = reprise
        self.model = folder
        self.counts = {False: Counter(), True: Counter()}
        self.languages = languages()
        os.environ["REPRISE_TRACE"] = str(self.trace)

    def compare(self, asynchronous, driver):
        from driving import Trace, assert_same
        from test_scheduler import assert_same_requests

        trace = Trace(self.reprise, self.trace)
        assert_same_requests(trace, driver, assert_same(trace, driver.steps))
        assert trace.header["async_scheduling"] == asynchronous
        self.counts[asynchronous].update(
            workloads=1, steps=len(driver.steps), rows=sum(len(step.rows) for step in driver.steps),
            preempted=sum(len(step.preempted) for step in driver.steps),
            prefix_hits=prefix_hits(driver.steps))  # fmt: skip
        self.trace.unlink()

    def random_workload(self, seed):
        import vllm_cases
        from test_scheduler import drive

        case = vllm_cases.random_case(seed)
        for os.environ["REPRISE_RECORDER_STEPS"] in self.languages if case.arrivals else ():
            self.compare(case.engine.asynchronous, drive(case, self.model))

    def busy_engine(self, asynchronous):
        """More rows than the random workloads have, and requests that are aborted."""
        from driving import ENGINE, Driver
        from test_scheduler import aborted

        dice = random.Random(3)
        driver = Driver(dataclasses.replace(ENGINE, asynchronous=asynchronous, blocks=1000), self.model)
        for place in range(150):
            driver.add(f"chat-{place}", dice.randint(1, 700), dice.randint(1, 60))
            for _ in range(dice.randint(0, 3)):
                driver.turn()
            if place % 10 == 9:
                driver.scheduler.finish_requests([f"chat-{place - 5}"], aborted())
        driver.run()
        driver.close()
        self.compare(asynchronous, driver)


def languages():
    """In which languages the installed plugin can read steps."""
    try:
        from reprise_vllm_recorder import compiled
    except ImportError:
        return ["Python"]
    return ["Python"] if compiled.MISSING else ["C", "Python"]


def prefix_hits(steps):
    """Requests whose first row starts behind a prefix that the cache held."""
    seen, hits = set(), 0
    for step in steps:
        for name, computed, _ in step.rows:
            hits += name not in seen and computed > 0
            seen.add(name)
    return hits


def main():
    form = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    form.add_argument("--count", type=int, default=50, help="random workloads")
    form.add_argument("--library", type=Path, required=True)
    form.add_argument("--reprise", type=Path, required=True)
    options = form.parse_args()
    os.environ["REPRISE_RECORDER_LIBRARY"] = str(options.library)
    logging.disable(logging.INFO)
    import reprise_vllm_recorder
    import tiny
    import vllm

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.joinpath("config.json").write_text(json.dumps(tiny.SHAPE))
        comparison = Comparison(folder, options.reprise)
        reprise_vllm_recorder.register()
        for seed in range(1, 1 + options.count):
            comparison.random_workload(seed)
        for os.environ["REPRISE_RECORDER_STEPS"] in comparison.languages:
            for asynchronous in (False, True):
                comparison.busy_engine(asynchronous)
    kinds = {"asynchronous" if kind else "synchronous": counts for kind, counts in comparison.counts.items()}
    print(json.dumps({"version": vllm.__version__, "place": vllm.__file__, "languages": comparison.languages, **kinds}))


if __name__ == "__main__":
    main()
