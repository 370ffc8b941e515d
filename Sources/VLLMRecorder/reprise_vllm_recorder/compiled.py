"""The recording whose work in each step is done in C (`steps/`); `recording.py` has the same in Python.

The compiled part is missing where the package was installed without a C compiler.
"""

from ctypes import c_void_p, cast

from .block_hashes import BlockHashes
from .library import ABI

try:
    from . import _steps

    MISSING = None if _steps.ABI == ABI else f"it was built for interface {_steps.ABI}"
except ImportError as error:
    MISSING = str(error)

# In the order in which `Steps` takes their addresses.
FUNCTIONS = ("add_request", "step", "step_changed", "output", "finish")


class CompiledRecording:
    """Follows a scheduler and passes what it does to the library; as `recording.Recording`."""

    language = "C"

    def __init__(self, scheduler, recorder, path, time_zero, hashes):
        self.recorder = recorder
        self.path = path
        self.gpu_times = None
        free_blocks = getattr(scheduler.kv_cache_manager.block_pool, "get_num_free_blocks", None)
        # Besides `waiting`, by the names of some versions.
        queues = tuple(name for name in ("skipped_waiting", "kv_holding_waiting") if hasattr(scheduler, name))
        functions = tuple(cast(getattr(recorder, name), c_void_p).value for name in FUNCTIONS)
        self.steps = _steps.Steps(
            scheduler, recorder.handle, functions, time_zero, free_blocks, queues, self.prefix_blocks() if hashes else None
        )
        self.hashes = BlockHashes(scheduler) if hashes else None
        # What the wrappers call is C's; with GPU times, the two methods below.
        self.scheduled = self.steps.scheduled
        self.updated = self.steps.updated

    def prefix_blocks(self):
        """A function that gives the identities of a request's blocks: address, count, and what keeps them alive."""

        def find(request):
            blocks = self.hashes.of(request)
            return (*blocks.buffer_info(), blocks)

        return find

    def take_gpu_times(self, times):
        """Makes `times` hear of the steps; None for none."""
        self.gpu_times = times
        if times is not None:
            self.scheduled, self.updated = self.scheduled_and_timed, self.updated_and_timed

    def scheduled_and_timed(self, output, start, end):
        number = self.steps.scheduled(output, start, end)
        if number is not None:
            self.gpu_times.scheduled(output, number)

    def updated_and_timed(self, output, moment):
        self.steps.updated(output, moment)
        self.gpu_times.collect()

    def held(self):
        """How many requests, steps in flight and outputs that the library has not heard of are held."""
        return self.steps.held()

    def close(self):
        """Completes the trace; what was recorded, or None if it was closed before."""
        if not self.recorder.handle:
            return None
        self.steps.close()
        if self.gpu_times:
            self.gpu_times.collect()
        return self.recorder.finish_file()
