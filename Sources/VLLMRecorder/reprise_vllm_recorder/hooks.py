"""Wraps vLLM's scheduler. Whatever goes wrong in here ends in one warning, never in vLLM."""

import functools
import inspect
import logging
import os
import sys
from time import monotonic_ns

from . import gpu_times, opening

logger = logging.getLogger("vllm.reprise_recorder")

# On a scheduler: its recording; None where there is none. A scheduler without it has not taken a step.
SLOT = "_reprise_recording"
# On a function: it is a wrapper of this module.
MARK = "_reprise_wrapped"
# How long vLLM's front end waits at least for its engine to end.
GRACE_SECONDS = 10
NEEDED = ("schedule", "update_from_output")


def install():
    """Wraps `vllm.v1.core.sched.scheduler.Scheduler`; a second call changes nothing."""
    try:
        from vllm.v1.core.sched.scheduler import Scheduler
    except Exception as error:
        logger.warning("no trace is recorded: this vLLM has no V1 scheduler to record (%s)", error)
        return
    missing = [name for name in NEEDED if not callable(getattr(Scheduler, name, None))]
    if missing:
        logger.warning("no trace is recorded: vLLM's Scheduler has no %s", " and no ".join(missing))
        return
    wrap(Scheduler, "schedule", around_schedule)
    wrap(Scheduler, "update_from_output", around_update)
    if callable(getattr(Scheduler, "shutdown", None)):
        wrap(Scheduler, "shutdown", around_shutdown(lambda scheduler: scheduler))
    try:
        from vllm.v1.engine.utils import CoreEngineProcManager

        if "timeout" in inspect.signature(CoreEngineProcManager.shutdown).parameters:
            wrap(CoreEngineProcManager, "shutdown", around_stop)
    except Exception as error:
        logger.debug("the trace may end as .partial when vLLM is stopped: %s", error)


def wrap(owner, name, wrapper):
    """Replaces a method by its wrapper, once."""
    original = getattr(owner, name)
    if not hasattr(original, MARK):
        replacement = functools.wraps(original)(wrapper(original))
        setattr(replacement, MARK, True)
        setattr(owner, name, replacement)


def around_schedule(original):
    def schedule(self, *args, **kwargs):
        try:
            recording = self._reprise_recording
        except AttributeError:
            recording = begin(self)
        if recording is None:
            return original(self, *args, **kwargs)
        start = monotonic_ns()
        output = original(self, *args, **kwargs)
        try:
            recording.scheduled(output, start, monotonic_ns())
        except Exception:
            give_up(self, recording)
        return output

    return schedule


def around_update(original):
    def update_from_output(self, scheduler_output, *args, **kwargs):
        recording = getattr(self, SLOT, None)
        if recording is None:
            return original(self, scheduler_output, *args, **kwargs)
        moment = monotonic_ns()
        result = original(self, scheduler_output, *args, **kwargs)
        try:
            recording.updated(scheduler_output, moment)
        except Exception:
            give_up(self, recording)
        return result

    return update_from_output


def around_shutdown(scheduler_of):
    """Completes the trace of the scheduler that an object has, before the object shuts down."""

    def around(original):
        def shutdown(self, *args, **kwargs):
            scheduler = scheduler_of(self)
            recording = getattr(scheduler, SLOT, None)
            if recording is not None:
                setattr(scheduler, SLOT, None)
                end(recording)
            return original(self, *args, **kwargs)

        return shutdown

    return around


def around_stop(original):
    """Newer versions kill the engine's process right after the signal to end; a trace is completed in less than this."""

    def shutdown(self, timeout=None, **kwargs):
        return original(self, timeout=timeout if timeout is None else max(timeout, GRACE_SECONDS), **kwargs)

    return shutdown


def end_with_engine():
    """Completes traces first when an engine shuts down: it waits for its workers, and is killed if they take long."""
    engine = getattr(sys.modules.get("vllm.v1.engine.core"), "EngineCore", None)
    if callable(getattr(engine, "shutdown", None)):
        wrap(engine, "shutdown", around_shutdown(lambda core: getattr(core, "scheduler", None)))


def begin(scheduler):
    """Opens a trace for a scheduler; None, and one warning, where that cannot be."""
    recording = None
    try:
        if opening.allowed(os.environ):
            recording = opening.open_recording(scheduler, os.environ)
            opening.at_exit(lambda: end(recording))
            end_with_engine()
            logger.info("recording every step to %s (steps are read in %s)", recording.path, recording.language)
            if os.environ.get("REPRISE_GPU_TIMES") == "1":
                recording.take_gpu_times(gpu_times.install(recording))
    except Exception as error:
        logger.warning("no trace is recorded: %s", error, exc_info=not isinstance(error, opening.EXPECTED))
    setattr(scheduler, SLOT, recording)
    return recording


def give_up(scheduler, recording):
    """Stops a recording that raised; the engine goes on."""
    setattr(scheduler, SLOT, None)
    logger.warning("recording to %s stopped; the engine goes on", recording.path, exc_info=True)
    end(recording)


def end(recording):
    """Completes the trace, once, and says what is in it."""
    try:
        statistics = recording.close()
        if statistics is None:
            return
        text = "recorded %d steps of %d requests, %d bytes, to %s"
        values = (statistics.written_steps, statistics.requests, statistics.bytes_written, statistics.path.decode())
        if statistics.dropped_steps or statistics.last_error:
            problem = statistics.last_error.decode() or "the recorder's memory was full"
            logger.warning(text + "; %d steps dropped: %s", *values, statistics.dropped_steps, problem)
        else:
            logger.info(text, *values)
    except Exception:
        logger.warning("the trace %s may be incomplete", recording.path, exc_info=True)
