"""Lets the tests import the packages that lie beside them, and gives them real replays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def program():
    named = os.environ.get("REPRISE")
    for path in [Path(named)] if named else [CHECKOUT / ".build" / build / "reprise" for build in ("debug", "release")]:
        if path.is_file():
            return path
    pytest.fail(f"no program at {path}: run `swift build` in {CHECKOUT}, or set REPRISE to a built `reprise`", pytrace=False)


@pytest.fixture(scope="session")
def replay(program, tmp_path_factory):
    """Replays a committed trace into a folder, once for the same arguments."""
    known = {}

    def run(trace, *arguments, policies="always-2d,vllm-0.33,fastest"):
        key = (trace, arguments, policies)
        if key not in known:
            folder = tmp_path_factory.mktemp("results") / Path(trace).name.replace(".reprise", "")
            path = f"traces/{trace}"
            call = [program, "replay", path, "--policy", policies, *arguments, "--output", folder]
            subprocess.run(call, check=True, capture_output=True, cwd=CHECKOUT)
            known[key] = folder
        return known[key]

    return run
