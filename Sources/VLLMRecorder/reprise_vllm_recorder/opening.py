"""Where a trace is written, and how one is opened and closed."""

import atexit
import multiprocessing.util
import os
import socket
import time
from pathlib import Path

from . import compiled, header
from .library import LibraryError, Recorder, load
from .recording import Recording

# Errors whose text says all there is to say.
EXPECTED = (LibraryError, OSError, header.UnknownEngine)
ENDING = ".reprise"

# Options of the library that are variables of the environment.
VARIABLES = {
    "REPRISE_ROTATE_BYTES": "rotate_bytes",
    "REPRISE_ROTATE_SECONDS": "rotate_seconds",
    "REPRISE_FLUSH_SECONDS": "flush_seconds",
    "REPRISE_RING_BYTES": "ring_bytes",
}


def allowed(environment):
    """Whether a trace is asked for."""
    return bool(environment.get("REPRISE_TRACE"))


def open_recording(scheduler, environment):
    """Opens the trace of a scheduler that is about to take its first step."""
    header.check(scheduler)
    wall, monotonic = time.time_ns(), time.monotonic_ns()
    zero = min([monotonic, *arrivals(scheduler, monotonic - wall)])
    path = destination(environment["REPRISE_TRACE"], header.engine_index(scheduler))
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"path": str(path), "time_zero_ns": zero}
    for variable, option in VARIABLES.items():
        if environment.get(variable):
            options[option] = whole_number(variable, environment[variable])
    if environment.get("REPRISE_GPU_TIMES") == "1":
        options["late_steps"] = 32
    hashes = environment.get("REPRISE_BLOCK_HASHES") == "1"
    described = header.describe(scheduler, hashes)
    described["time_zero_unix_us"] = (zero + wall - monotonic) // 1000
    follow = recording_class(environment)
    return follow(scheduler, Recorder(load(), options, described), str(path), zero, hashes)


def recording_class(environment):
    """What follows a scheduler: compiled where it was built, unless REPRISE_RECORDER_STEPS says otherwise."""
    wanted = environment.get("REPRISE_RECORDER_STEPS")
    if wanted not in (None, "", "C", "Python"):
        raise LibraryError(f"REPRISE_RECORDER_STEPS={wanted} is neither C nor Python")
    if wanted == "C" and compiled.MISSING:
        raise LibraryError(f"REPRISE_RECORDER_STEPS=C: this installation has no compiled part ({compiled.MISSING})")
    return Recording if wanted == "Python" or compiled.MISSING else compiled.CompiledRecording


def arrivals(scheduler, offset):
    """When the requests that wait for the first step arrived, on the monotonic clock."""
    return [int(request.arrival_time * 1e9) + offset for request in scheduler.requests.values()]


def destination(named, engine):
    """The file for one engine: the one that is named, or a name of its own in the folder that is.

    Engines of a data-parallel group have their numbers in the name; the library numbers files that exist already.
    """
    suffix = "" if engine is None else f"-dp{engine}"
    path = Path(named)
    if path.suffix == ENDING and not path.is_dir():
        return path.with_name(path.stem + suffix + ENDING)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    return path / f"vllm-{stamp}-{socket.gethostname()}-{os.getpid()}{suffix}{ENDING}"


def whole_number(variable, text):
    """The number that a variable holds."""
    try:
        return int(text)
    except ValueError:
        raise LibraryError(f"{variable}={text} is not a whole number") from None


def at_exit(close):
    """Calls `close` when this process ends of its own accord, vLLM's child processes included.

    Those leave through multiprocessing, which before Python 3.13 runs its own finalizers only.
    """
    atexit.register(close)
    multiprocessing.util.Finalize(None, close, exitpriority=100)
