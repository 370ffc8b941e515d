"""Runs the commands of the documentation, as a reader would type them.

    python3 analysis/run_docs.py --reprise .build/debug/reprise README.md analysis/*.md

Every fenced `sh` block of a page runs, in order and in one scratch folder a page, which has the checkout's
`traces`, `analysis` and `Sources`. A block is left out only under a comment that says why:

    <!-- not run here: needs a GPU -->

What sets a machine up is taken as done: `swift run … reprise ARGUMENTS` runs the given program, which also stands at
`.build/release/reprise`; `python3 -m venv` gives the environment that this runs in; `apt-get` and other calls of
`swift` are passed over. Exit 0 all ran, 1 one failed, 2 the call was wrong.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
REASON = re.compile(r"<!-- not run here: (.+?) -->\n$")
LINKED = ("traces", "analysis", "Sources", "Tests", "Package.swift", "README.md")
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then exec ln -sfn "{prefix}" "$3"; fi
exec "{python}" "$@"
"""
PASSED_OVER = '#!/bin/sh\necho "passed over: {} $*" >&2\n'
SWIFT = """#!/bin/sh
if [ "$1" = run ]; then
  while [ "$1" != reprise ]; do shift; done
  shift
  exec reprise "$@"
fi
echo "passed over: swift $*" >&2
"""


def blocks(text):
    """(line, commands, reason to leave out or None) of every fenced `sh` block."""
    for match in FENCE.finditer(text):
        reason = REASON.search(text[: match.start()])
        yield text[: match.start()].count("\n") + 2, match.group(1), reason and reason.group(1)


def tools(folder, program):
    """A folder for the path: the program, this Python, and stand-ins for what sets a machine up."""
    folder.mkdir()
    (folder / "reprise").symlink_to(program)
    (folder / "python3").write_text(PYTHON.format(prefix=sys.prefix, python=sys.executable))
    (folder / "swift").write_text(SWIFT)
    (folder / "apt-get").write_text(PASSED_OVER.format("apt-get"))
    for path in folder.iterdir():
        if not path.is_symlink():
            path.chmod(0o755)
    return folder


def run(page, program):
    """Runs a page; returns how many blocks failed (0 or 1) and prints what ran."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        work = scratch / "checkout"
        work.mkdir()
        (work / ".build/release").mkdir(parents=True)
        (work / ".build/release/reprise").symlink_to(program)
        for name in LINKED:
            (work / name).symlink_to(CHECKOUT / name)
        environment = os.environ | {"PATH": f"{tools(scratch / 'tools', program)}:{os.environ['PATH']}"}
        for line, commands, reason in blocks(page.read_text(encoding="utf-8")):
            place = f"{page}:{line}"
            if reason:
                print(f"{place}: not run: {reason}", flush=True)
                continue
            start = time.monotonic()
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands], cwd=work, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            if done.returncode:
                print(f"{place}: exit {done.returncode}\n{commands}{done.stdout}", flush=True)
                return 1
            print(f"{place}: ran, {time.monotonic() - start:.1f} s", flush=True)
    return 0


def main():
    form = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    form.add_argument("pages", nargs="+", type=Path, help="Markdown files")
    form.add_argument("--reprise", required=True, type=Path, help="the built program")
    options = form.parse_args()
    for path in [options.reprise, *options.pages]:
        if not path.is_file():
            print(f"run_docs.py: '{path}' is no file", file=sys.stderr)
            return 2
    program = options.reprise.resolve()
    return min(1, sum(run(page, program) for page in options.pages))


if __name__ == "__main__":
    sys.exit(main())
