"""Times one kernel on one batch by the method of `reprise measure`.

All calls of a batch are nodes of one CUDA graph. Each reads another copy of the batch's KV; the
copies exceed four L2 caches together, so that every call finds its KV in device memory. A sample is
the time of one replay over its calls. One replay goes ahead of the timed ones. Replays at a low SM
clock are discarded, and after eight discards kept as a partial measurement.
"""

import datetime
import time
from dataclasses import dataclass

import torch

from .batch import LONGEST, Batch
from .clocks import Clocks
from .inputs import Pool, make_inputs, reference
from .stopping import MOST, further_samples
from .store import COMPLETE, PARTIAL, Machine, Samples

CACHES_BETWEEN_USES = 4
POOLS_MAX = 1024
CALLS_MIN = 8
CLOCK_SHARE_MIN = 0.9
DISCARDS_MAX = 8
WARM_UP_SECONDS = 0.15
# Device memory left to the kernels' own scratch.
MEMORY_LEFT = 4 << 30


@dataclass
class Measured:
    """Samples of one batch; `status` as the store has it."""

    samples: Samples
    status: int
    discarded: int


class Bench:
    """One GPU; one batch at a time."""

    def __init__(self, cache="cold"):
        if not torch.cuda.is_available():
            raise RuntimeError("torch sees no CUDA device: run this where the kernels run")
        properties = torch.cuda.get_device_properties(0)
        self.clocks = Clocks(properties)
        self.machine = Machine(
            properties.name,
            properties.multi_processor_count,
            self.clocks.driver_version() or f"CUDA {torch.version.cuda}",
        )
        self.l2_bytes = max(1 << 20, properties.L2_cache_size)
        self.cache = cache
        self.pool = Pool()
        self.best_mhz = 0
        self.is_warm = False
        self.kept = (None, None)
        self.notes = []

    def inputs(self, batch: Batch):
        """The batch in memory; that of the call before where it is the same."""
        if self.kept[0] != batch.text:
            self.kept = (None, None)
            self.kept = (batch.text, make_inputs(batch, self.pool, self.copies(batch)))
        return self.kept[1]

    def copies(self, batch):
        if self.cache == "warm":
            return 1
        size = max(1, batch.blocks) * batch.block_elements * 2
        wanted = min(POOLS_MAX, -(-CACHES_BETWEEN_USES * self.l2_bytes // size))
        if batch.is_latent:
            # Kernels over latent caches have offsets of 32 bits.
            wanted = min(wanted, max(1, (LONGEST - 1) * 2 // size))
        held = 0 if self.pool.elements is None else 2 * len(self.pool.elements)
        free = torch.cuda.mem_get_info()[0] + held - MEMORY_LEFT
        copies = max(1, min(wanted, free // size))
        if copies < wanted:
            self.note(f"too little GPU memory for {wanted} copies of {size} bytes: {copies} taken")
        return copies

    def note(self, words):
        if words not in self.notes and len(self.notes) < 16:
            self.notes.append(words)

    def measure(self, prepare, batch: Batch):
        """Samples of what `prepare(inputs)` returns: a function that launches on one copy."""
        inputs = self.inputs(batch)
        launch = prepare(inputs)
        pools = len(inputs.tables)
        calls = max(pools, CALLS_MIN // pools * pools)
        # Kernels are loaded, compiled and tuned in the first call, which a capture forbids.
        for pool in range(min(2, pools)):
            launch(pool)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for call in range(calls):
                launch(call % pools)
        return self.time(graph, calls)

    def time(self, graph, calls):
        self.rise(graph)
        events = [torch.cuda.Event(enable_timing=True) for _ in range(MOST + 1)]
        taken, discards, discarded, reading = [], 0, 0, None
        while count := further_samples(taken):
            graph.replay()
            events[0].record()
            for event in events[1 : count + 1]:
                graph.replay()
                event.record()
            # While it runs: an idle GPU's clock says nothing.
            reading = self.clocks.reading() or reading
            events[count].synchronize()
            fresh = [
                int(1e6 * first.elapsed_time(second) / calls)
                for first, second in zip(events[:count], events[1 : count + 1])
            ]
            if reading:
                self.best_mhz = max(self.best_mhz, reading[0])
                if reading[0] < CLOCK_SHARE_MIN * self.best_mhz:
                    discarded += count
                    discards += 1
                    self.note(
                        f"replays at an SM clock of {reading[0]} MHz were discarded (best seen"
                        f" {self.best_mhz} MHz, throttle reasons {reading[2]})"
                    )
                    if discards < DISCARDS_MAX:
                        continue
            taken += fresh
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        samples = Samples(taken, now, *(reading or ()))
        status = COMPLETE if discards < DISCARDS_MAX else PARTIAL
        return Measured(samples, status, discarded)

    def rise(self, graph):
        """Keeps the GPU busy before the first measurement, since an idle one clocks down."""
        began = time.monotonic()
        while not self.is_warm and time.monotonic() - began < WARM_UP_SECONDS:
            for _ in range(8):
                graph.replay()
            torch.cuda.synchronize()
        self.is_warm = True

    def error(self, prepare, batch: Batch):
        """Relative error of a kernel on a batch against float64; NaN where it wrote too little."""
        inputs = self.inputs(batch)
        inputs.output.fill_(float("nan"))
        result = prepare(inputs)(0)
        torch.cuda.synchronize()
        expected = reference(inputs)
        tokens = sum(batch.query_lens)
        written = inputs.output if result is None else result
        difference = written[:tokens].double() - expected[:tokens]
        return float(difference.norm() / expected[:tokens].norm().clamp_min(1e-30))
