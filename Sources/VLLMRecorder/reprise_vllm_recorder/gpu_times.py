"""How long the GPU takes for each step, by CUDA events around the model runner. Asked for with REPRISE_GPU_TIMES=1.

It needs the worker in the scheduler's process (vLLM's default for one GPU): events of other processes cannot be
seen here. Three events a step (two before 0.11.1, where forward pass and sampling are one call) are recorded into the
stream that the model runs in; nothing waits for them: a step's times are read when they have come, while later steps
are recorded.
"""

import functools
import logging
import sys
from collections import deque

from .library import UNKNOWN_TIME

logger = logging.getLogger("vllm.reprise_recorder")

MARK = "_reprise_timed"
# vLLM's two model runners; a process that runs a model has imported one.
RUNNERS = ("vllm.v1.worker.gpu_model_runner", "vllm.v1.worker.gpu.model_runner")
# Steps whose events are awaited; the library takes times up to 32 steps late.
AWAITED = 32
NANOSECONDS = 1_000_000


def install(recording):
    """The times of a recording's steps; None, and one warning, where they cannot be taken."""
    runners = [getattr(sys.modules[name], "GPUModelRunner", None) for name in RUNNERS if name in sys.modules]
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        logger.warning("no GPU times are recorded: this process uses no CUDA GPU; with several GPUs the workers do")
        return None
    if not any(runners):
        logger.warning("no GPU times are recorded: the model runs in another process")
        return None
    times = GPUTimes(recording, functools.partial(torch.cuda.Event, enable_timing=True))
    for runner in runners:
        if runner is not None:
            time_runner(runner, times)
    return times


def time_runner(runner, times):
    """Puts events around a class's forward pass and sampling, those of the latest recording."""
    runner._reprise_times = times
    for name, around in (("execute_model", around_execute), ("sample_tokens", around_sample)):
        original = getattr(runner, name, None)
        if original is not None and not hasattr(original, MARK):
            replacement = functools.wraps(original)(around(original))
            setattr(replacement, MARK, True)
            setattr(runner, name, replacement)


def around_execute(original):
    def execute_model(self, scheduler_output, *args, **kwargs):
        times = self._reprise_times
        times.begin(scheduler_output)
        result = original(self, scheduler_output, *args, **kwargs)
        # Where sampling is a call of its own, nothing is returned here.
        if result is None:
            times.forward_ended()
        else:
            times.end()
        return result

    return execute_model


def around_sample(original):
    def sample_tokens(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        self._reprise_times.end()
        return result

    return sample_tokens


class GPUTimes:
    """Events of the steps in flight. An error ends the times, not the engine."""

    def __init__(self, recording, make_event):
        self.recording = recording
        self.make_event = make_event
        self.spare = []
        self.numbers = deque(maxlen=AWAITED)
        # The step that is being run: its number and its events so far.
        self.current = None
        self.awaited = deque()
        self.working = True

    def guarded(method):
        @functools.wraps(method)
        def call(self, *args):
            if self.working:
                try:
                    return method(self, *args)
                except Exception:
                    self.working = False
                    logger.warning("no more GPU times are recorded; the engine goes on", exc_info=True)
            return None

        return call

    @guarded
    def scheduled(self, output, number):
        """Notes the number of a step that is about to be run."""
        self.numbers.append((output, number))

    @guarded
    def begin(self, output):
        self.current = None
        for other, number in self.numbers:
            if other is output and len(self.awaited) < AWAITED:
                self.current = (number, [])
                self.mark()

    @guarded
    def forward_ended(self):
        if self.current is not None:
            self.mark()

    @guarded
    def end(self):
        if self.current is not None:
            self.mark()
            self.awaited.append(self.current)
        self.current = None

    def mark(self):
        """Records an event into the present stream."""
        event = self.spare.pop() if self.spare else self.make_event()
        event.record()
        self.current[1].append(event)

    @guarded
    def collect(self):
        """Passes on the times of steps that the GPU has done; waits for none."""
        while self.awaited and self.awaited[0][1][-1].query():
            number, events = self.awaited.popleft()
            recorder = self.recording.recorder
            start, *forward, end = events
            whole = int(start.elapsed_time(end) * NANOSECONDS)
            part = int(start.elapsed_time(forward[0]) * NANOSECONDS) if forward else UNKNOWN_TIME
            if recorder.handle:
                recorder.gpu_time(recorder.handle, number, whole, part)
            self.spare += events
            while self.numbers and self.numbers[0][1] <= number:
                self.numbers.popleft()

    guarded = staticmethod(guarded)
