"""The README's lines for recording one's own traffic, and a folder in which they run as a reader would type them."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HEADING = "\n## Record your own traffic\n"

PIP = """#!/bin/sh
exec python -m pip "$@"
"""
# The library and the program are built before the tests.
SWIFT = """#!/bin/sh
echo "passed over: swift $*" >&2
"""


def lines():
    """What sets up, what serves, and what replays: three lines, no more."""
    section = (CHECKOUT / "README.md").read_text().split(HEADING)[1].split("\n## ")[0]
    setup, serve, replay = section.split("```sh\n")[1].split("```")[0].splitlines()
    return setup, serve, replay


def prepare(folder, reprise, model):
    """A checkout's folder beside an environment that has what this one has, and the variables of a shell in it.

    The plugin is not in it, nor is anything of the checkout on Python's path.
    """
    environment, work = folder / "environment", folder / "checkout"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = environment / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    packages.joinpath("others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name, text in (("pip", PIP), ("swift", SWIFT)):
        path = environment / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    environment.joinpath("bin/reprise").symlink_to(Path(reprise).resolve())
    work.mkdir()
    for name in ("Package.swift", "Sources"):
        work.joinpath(name).symlink_to(CHECKOUT / name)
    work.joinpath("MODEL").symlink_to(model)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("REPRISE", "PYTHON"))}
    return work, variables | {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "VLLM_CPU_KVCACHE_SPACE": "2"}
