"""What the driver asks of the engine's own process; vLLM mixes `Controls` into its worker there.

Imported before the model is loaded, so that a policy holds for the graphs that are captured.
"""

import json
import os

from reprise_vllm_recorder import hooks
from vllm.v1.core.sched.scheduler import Scheduler

schedulers = []


def remember_schedulers():
    original = Scheduler.__init__

    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        schedulers.append(self)

    Scheduler.__init__ = __init__


def never_split():
    """The Triton backend takes split-KV up to so many sequences: none."""
    from vllm.v1.attention.backends.triton_attn import TritonAttentionMetadataBuilder as Builder

    original = Builder.__init__

    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.seq_threshold_3D = 0

    Builder.__init__ = __init__


remember_schedulers()
if os.environ.get("ENGINE_RUN_POLICY") == "always-2d":
    never_split()


class Controls:
    def record_to(self, path, gpu_times=True):
        """Completes the trace that is being written and opens another, or none without a path.

        The plugin alone would open it in the first step, whose request would wait for that.
        """
        scheduler = schedulers[-1] if schedulers else type(self.model_runner)._reprise_times.recording.scheduler
        recording = getattr(scheduler, hooks.SLOT, None)
        if recording is not None:
            hooks.end(recording)
        os.environ["REPRISE_GPU_TIMES"] = "1" if gpu_times else "0"
        if path:
            os.environ["REPRISE_TRACE"] = path
            hooks.begin(scheduler)
        else:
            setattr(scheduler, hooks.SLOT, None)
        return str(type(scheduler))

    def watch_host(self, path):
        """Notes where this process stands still, from now on."""
        import host_waits

        host_waits.watch(path)

    def note_kernels(self):
        """Notes every kernel by the driver's own profiling interface, from now until `write_kernels`."""
        import torch

        self.engine_run_profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
        self.engine_run_profile.start()

    def write_kernels(self, path):
        """Writes name, start and duration (microseconds) of the kernels."""
        import torch

        torch.cuda.synchronize()
        self.engine_run_profile.stop()
        kernels = [
            (event.name()[:60], event.start_ns() / 1000, event.duration_ns() / 1000)
            for event in self.engine_run_profile.profiler.kineto_results.events()
            if "CUDA" in str(event.device_type())
        ]
        with open(path, "w") as file:
            json.dump(kernels, file)
        return len(kernels)

    def describe_engine(self):
        import torch
        import triton

        return {
            "torch": str(torch.__version__), "triton": str(triton.__version__),
            "runner": f"{type(self.model_runner).__module__}.{type(self.model_runner).__name__}",
            "memory_used": torch.cuda.memory_allocated(),
        }  # fmt: skip
