"""Checks and times the kernels on a GPU: `python3 device_check.py KERNELS_JSONL`.

Every variant against float64 on fresh random inputs, then vLLM's structures and alternatives to
them over the measured calls of KERNELS_JSONL. One JSON line a task goes to `$RESULTS/results.jsonl`,
a summary to `$RESULTS/summary.txt` and to the terminal. Needs torch and triton 3.6.0.

Tasks run in a process that is replaced when one of them breaks the GPU's context or hangs, and the
run goes on with the next task; it ends when all are done or the time is up.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A worker's first result waits for torch to load and a context to come up.
TASK_SECONDS = 60
BROKEN_CONTEXT = 3


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", type=Path, help="measured calls, as traces/h200/kernels.jsonl")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("RESULTS", ".")))
    parser.add_argument("--seconds", type=float, default=285, help="time for all of it")
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--only", choices=["check", "time"], help="half of the tasks")
    parser.add_argument("--variant", action="append", help="only names that begin like this")
    parser.add_argument("--worker", metavar="FROM", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--images", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def all_tasks(options):
    from device.tasks import correctness_tasks, timing_tasks

    tasks = correctness_tasks() if options.only != "time" else []
    tasks += timing_tasks(options.kernels) if options.only != "check" else []
    if options.variant:
        names = tuple(options.variant)
        tasks = [task for task in tasks if task["variant"].name.startswith(names)]
    return tasks


def compile_images(options, tasks, folder):
    from reprise_kernels.compiler import compile_all
    from reprise_kernels.images import steps

    images = [step.image for t in tasks for step in steps(t["variant"], t["shape"])]
    began = time.monotonic()
    done, failed = compile_all(images, options.arch, folder / options.arch, os.cpu_count() or 1)
    for image, error in failed:
        print(f"not compiled: {image.kernel} {dict(image.constants)}: {error[:300]}")
    print(f"{len(done)} images compiled in {time.monotonic() - began:.1f} s", flush=True)


def work(options):
    """Runs tasks from a place on; a line before each says which one a crash would belong to."""
    import torch

    from device.worker import Worker

    worker = Worker(options.arch, options.images / options.arch)
    torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
    print(json.dumps({"seed": torch.initial_seed(), "gpu": torch.cuda.get_device_name()}))
    for place, task in enumerate(all_tasks(options)):
        if place < options.worker:
            continue
        print(json.dumps({"started": place}), flush=True)
        try:
            result = worker.run(task)
        except Exception as error:
            result = failure(task, f"{type(error).__name__}: {error}")
        print(json.dumps(result | {"task": place}), flush=True)
        if "error" in result and not context_works(torch):
            return BROKEN_CONTEXT
    return 0


def failure(task, text):
    return {
        "kind": task["kind"],
        "variant": task["variant"].name,
        "shape": task["shape"].name,
        "batch": task.get("batch"),
        "error": text.strip().splitlines()[0][:300],
    }


def context_works(torch):
    try:
        torch.zeros(1, device="cuda").add_(1)
        torch.cuda.synchronize()
        return True
    except RuntimeError:
        return False


def supervise(options, tasks, images, deadline):
    """Starts workers until the tasks are done or the time is up; returns all results."""
    results, place, number = [], 0, 0
    while place < len(tasks) and time.monotonic() < deadline:
        lines = options.output / f"worker-{number}.jsonl"
        errors = options.output / f"worker-{number}.stderr"
        started, why = run_worker(options, lines, errors, place, images, deadline)
        found = whole_lines(lines)
        results += [r for r in found if "started" not in r]
        finished = {r["task"] for r in found if "task" in r}
        if started is not None and started not in finished and why != "time is up":
            results.append(failure(tasks[started], why) | {"task": started})
        if started is None and why != "done":
            print(f"no worker starts: {why}\n{errors.read_text()[-1500:]}")
            break
        place = len(tasks) if why == "done" or started is None else started + 1
        number += 1
    left = len(tasks) - len({r["task"] for r in results if "task" in r})
    if left:
        print(f"{left} of {len(tasks)} tasks were not run: the time was up or no worker started")
    return results


def worker_command(options, place, images):
    command = [sys.executable, str(HERE / Path(__file__).name), str(options.kernels)]
    command += ["--arch", options.arch, "--worker", str(place), "--images", str(images)]
    command += ["--only", options.only] if options.only else []
    for name in options.variant or ():
        command += ["--variant", name]
    return command


def run_worker(options, lines, errors, place, images, deadline):
    """Runs one worker to its end; returns the last task it started, and why it ended."""
    with lines.open("w") as output, errors.open("w") as complaints:
        process = subprocess.Popen(
            worker_command(options, place, images), stdout=output, stderr=complaints, cwd=HERE
        )
        size, since, why = 0, time.monotonic(), "done"
        while process.poll() is None:
            time.sleep(0.2)
            now = time.monotonic()
            if lines.stat().st_size != size:
                size, since = lines.stat().st_size, now
            if now > deadline or now - since > TASK_SECONDS:
                why = "time is up" if now > deadline else f"no result in {TASK_SECONDS} s"
                process.kill()
                process.wait()
        if why == "done" and process.returncode != 0:
            why = f"the worker ended with status {process.returncode}"
    started = [line["started"] for line in whole_lines(lines) if "started" in line]
    return (started[-1] if started else None), why


def whole_lines(path):
    """The JSON lines of a file whose last line may be cut off."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def main():
    options = parse()
    options.kernels = options.kernels.resolve()
    if options.worker is not None:
        return work(options)
    deadline = time.monotonic() + options.seconds
    options.output.mkdir(parents=True, exist_ok=True)
    tasks = all_tasks(options)
    with tempfile.TemporaryDirectory() as images:
        compile_images(options, tasks, Path(images))
        results = supervise(options, tasks, Path(images), deadline)
    with (options.output / "results.jsonl").open("w") as file:
        file.writelines(json.dumps(result) + "\n" for result in results)
    from device.summary import summary

    text = summary(results)
    (options.output / "summary.txt").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
