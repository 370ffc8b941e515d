"""Runs tasks on the GPU: results against float64, and times by CUDA graphs."""

import statistics
from pathlib import Path

import torch

from reprise_kernels.launches import launches, scratch_elements

from .driver import Driver, Function
from .inputs import (
    ELEMENTS,
    arena_elements,
    fill_unused_slots,
    make_batch,
    random_arena,
    reference,
)
from .tasks import DECODE_BATCHES, KV_HEADS, LATENT_BATCHES, PREFILL_BATCHES

TOLERANCE = {"bf16": 1e-2, "fp16": 2e-3}
REPLAYS = 5
# A graph rotates over the pools until it has this many calls or lasts this long.
GRAPH_CALLS = 24
GRAPH_MICROSECONDS = 20_000
# Latent rows come without a number of pools: as many as exceed the L2 several times over.
COLD_BYTES = 240_000_000
POOLS_MAX = 40


class Worker:
    """Loads functions once and keeps the batch of the task before, which the next often shares."""

    def __init__(self, architecture: str, folder: Path, device="cuda", driver=None):
        self.architecture, self.folder, self.device = architecture, folder, device
        self.driver = driver or Driver()
        self.functions = {}
        self.kept = {}
        self.arena = None

    def run(self, task):
        """The result of a task as a dictionary for JSON."""
        common = {"kind": task["kind"], "variant": task["variant"].name}
        common["shape"] = task["shape"].name
        return common | (self.check(task) if task["kind"] == "check" else self.time(task))

    def function(self, image):
        if image not in self.functions:
            self.functions[image] = Function(self.driver, image, self.architecture, self.folder)
        return self.functions[image]

    def bind(self, variant, batch, pools, output, scratch):
        """For each pool, the variant's launches in order."""
        calls = []
        for pool in range(pools):
            addresses = batch.pointers(pool) | {"output": output.data_ptr()}
            addresses |= {name: tensor.data_ptr() for name, tensor in scratch.items()}
            # Arguments that this variant leaves unused.
            for name in ("segment_output", "segment_max", "segment_sum"):
                addresses.setdefault(name, 0)
            calls.append(
                [
                    self.function(launch.step.image).bind(launch.grid, addresses | launch.scalars)
                    for launch in launches(variant, batch.shape, batch.geometry)
                ]
            )
        return calls

    def scratch(self, variant, batch):
        sizes = scratch_elements(variant, batch.shape, batch.geometry)
        return {
            name: torch.full((count,), float("nan"), device=self.device)
            for name, count in sizes.items()
        }

    def keep(self, key, make):
        """What was made for the same key by the task before, or what is made now."""
        if key not in self.kept:
            self.kept.clear()
            self.kept[key] = make()
        return self.kept[key]

    # Checks

    def check(self, task):
        shape, variant = task["shape"], task["variant"]
        batch, expected, outputs = self.keep(
            ("check", shape, task["batch"]), lambda: self.checked_batch(shape, task["batch"])
        )
        # The pull request's form reads the unused end of a block, all others must not.
        fill_unused_slots(batch, 7.0 if variant.tile_is_block else float("nan"))
        output = torch.full_like(expected, float("nan"), dtype=ELEMENTS[shape.element])
        # Calls hold addresses alone: the scratch must live until they have run.
        scratch = self.scratch(variant, batch)
        (call,) = self.bind(variant, batch, 1, output, scratch)
        launch_all(call)
        torch.cuda.synchronize()
        tokens = sum(batch.query_lens)
        error = relative(output[:tokens], expected[:tokens])
        outputs.setdefault("first", output)
        result = {
            "batch": task["batch"],
            "relative_error": error,
            "difference_from_first_variant": relative(output[:tokens], outputs["first"][:tokens]),
            "ok": error < TOLERANCE[shape.element],
        }
        if variant.segments > 1 and tokens < output.shape[0]:
            result["ok"] &= bool((output[tokens:] == 0).all())
        return result

    def checked_batch(self, shape, name):
        if shape.latent:
            kv_lens, splits, heads = LATENT_BATCHES[name]
            query_lens, padding, kv_heads = [1] * len(kv_lens), 0, 1
        else:
            query_lens, kv_lens, padding = (DECODE_BATCHES | PREFILL_BATCHES)[name]
            splits, heads, kv_heads = 1, None, 2 if shape.ratio > 8 else 4
        count = arena_elements(shape, kv_heads, kv_lens, 1)
        arena = random_arena(count, shape.element, self.device)
        batch = make_batch(
            shape, query_lens, kv_lens, kv_heads, arena, 1, padding, splits, heads
        )
        return batch, reference(batch), {}

    # Times

    def time(self, task):
        row, shape, variant = task["row"], task["shape"], task["variant"]
        pools = row.get("pools") or min(POOLS_MAX, -(-COLD_BYTES // row["kv_bytes"]))
        batch = self.keep(
            ("time", id(row), task["splits"]), lambda: self.timed_batch(row, shape, pools, task)
        )
        result = {
            "row": {k: v for k, v in row.items() if k != "microseconds"},
            "splits": task["splits"],
            "vllm_microseconds": task["vllm"],
        }
        output = torch.full(batch.output_shape, float("nan"), device=self.device)
        output = output.to(ELEMENTS[shape.element])
        scratch = self.scratch(variant, batch)
        calls = self.bind(variant, batch, pools, output, scratch)
        samples = self.graph_times(calls, task["vllm"])
        result |= {"pools": pools, "samples": samples, "microseconds": statistics.median(samples)}
        if "pools" not in row:
            result["warm_microseconds"] = statistics.median(
                self.graph_times(calls[:1], task["vllm"])
            )
        if not bool(torch.isfinite(output).all()):
            raise RuntimeError("the output was not written, or is not finite")
        images = [launch.step.image for launch in launches(variant, shape, batch.geometry)]
        functions = [self.function(image) for image in images]
        result["registers"] = [function.registers for function in functions]
        result["spilled_bytes"] = [function.spilled_bytes for function in functions]
        result["ratio"] = result["microseconds"] / task["vllm"]
        return result

    def timed_batch(self, row, shape, pools, task):
        kv_heads = 1 if shape.latent else KV_HEADS
        count = arena_elements(shape, kv_heads, row["kv_lens"], pools)
        if self.arena is None or self.arena.numel() < count:
            self.arena = None
            torch.cuda.empty_cache()
            self.arena = random_arena(count, shape.element, self.device)
        return make_batch(
            shape,
            row["query_lens"],
            row["kv_lens"],
            kv_heads,
            self.arena,
            pools,
            splits=task["splits"],
            heads=row.get("num_query_heads"),
        )

    def graph_times(self, calls, expected):
        """Microseconds a call in each replay of a graph that rotates over the pools.

        A cache that was read one call before would be found in L2; between two reads of the same
        pool all others have passed through it.
        """
        # Functions load lazily, which a capture forbids.
        for call in calls[:2]:
            launch_all(call)
        torch.cuda.synchronize()
        wanted = min(GRAPH_CALLS, int(GRAPH_MICROSECONDS / expected))
        rotations = max(1, wanted // len(calls))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(rotations):
                for call in calls:
                    launch_all(call)
        begin = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        samples = []
        for replay in range(REPLAYS + 1):
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            if replay > 0:
                samples.append(1e3 * begin.elapsed_time(end) / (rotations * len(calls)))
        return samples


def launch_all(call):
    stream = torch.cuda.current_stream().cuda_stream
    for launch in call:
        launch(stream)


def relative(output, expected):
    expected = expected.double()
    norm = expected.norm().clamp_min(1e-30)
    return float((output.double() - expected).norm() / norm)
