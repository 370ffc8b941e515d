import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(CHECKOUT / "analysis")]


def built(variable, *names) -> Path:
    candidates = [Path(os.environ[variable])] if variable in os.environ else [CHECKOUT / ".build" / name for name in names]
    for path in candidates:
        if path.is_file():
            return path
    pytest.fail(f"none of {candidates}: build it, or set {variable}", pytrace=False)


@pytest.fixture(scope="session")
def library_path() -> Path:
    return built("REPRISE_RECORDER", "release/libRepriseRecorder.so")


@pytest.fixture(scope="session")
def library(library_path):
    import recorder

    return recorder.load(library_path)


@pytest.fixture(scope="session")
def program() -> Path:
    return built("REPRISE", "debug/reprise", "release/reprise")


@pytest.fixture(scope="session")
def reprise(program):
    def call(*arguments, check=True) -> str:
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if done.returncode == 0 else done.stderr

    return call


@pytest.fixture(scope="session")
def host(tmp_path_factory, library_path):
    """The command line of a C program that loads the library, less its arguments."""
    program = tmp_path_factory.mktemp("host") / "host"
    compiler = next(name for name in (os.environ.get("CC"), "cc", "clang", "gcc") if name and shutil.which(name))
    include = CHECKOUT / "Sources/CRepriseRecorder/include"
    subprocess.run(
        [compiler, "-O2", "-Wall", "-Werror", "-I", include, "-o", program, FOLDER / "host.c", "-ldl", "-lm"], check=True
    )
    return [str(program), str(library_path)]
