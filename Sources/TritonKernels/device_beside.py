"""Our kernels beside vLLM's own, in one run: `python3 device_beside.py KERNELS_JSONL`.

Needs torch, triton 3.6.0 and vLLM's kernels, which are called as the provider in
`Sources/KernelProviders` calls them. For every call of KERNELS_JSONL, and for some MLA batches
beyond it, both kernels get the same tensors; CUDA graphs of each, over KV pools that rotate past
the L2, are replayed in turn, so that clocks and temperature are the same for both. Compares the
outputs too. One JSON line a row goes to `$RESULTS/beside.jsonl`, a summary to `$RESULTS/beside.txt`.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "KernelProviders"))
WITHIN = 0.05
ROUNDS = 9
# Rounds before the first that counts.
WARMING = 2
GRAPH_CALLS = 24
GRAPH_MICROSECONDS = 20_000
COLD_BYTES = 240_000_000
POOLS_MAX = 40
# MLA batches beside those of KERNELS_JSONL: rows, KV length, query heads, splits.
LATENT_ROWS = (
    (8, 8192, 16, 16),
    (32, 4096, 16, 8),
    (64, 2048, 128, 4),
    (1, 32768, 128, 64),
    (1, 500, 16, 1),
    (1, 16384, 16, 4),
)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", type=Path, help="measured calls, as traces/h200/kernels.jsonl")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("RESULTS", ".")))
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--arch", default="sm_90")
    return parser.parse_args()


def calls_of(path):
    """[(name, row, our variant's name, vLLM's, splits)]; paged rows are timed in 2D and, as far as
    they are decodes, in 3D."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found = []
    for row in rows:
        lengths = row["kv_lens"]
        kv = str(lengths[0]) if len(set(lengths)) == 1 else f"{min(lengths)}…{max(lengths)}"
        name = f"{row.get('group', 'mla')} {len(lengths)}x{kv} q{max(row['query_lens'])}"
        if row["op"] == "mla-decode":
            for key in row["microseconds"]:
                found.append(latent_call(row, int(key.rpartition("-")[2])))
            continue
        found.append((f"{name} 2d", row, "triton-2d", "triton-2d", 1))
        if max(row["query_lens"]) == 1:
            found.append((f"{name} 3d-16", row, "triton-3d-16", "triton-3d-16", 1))
    for count, kv, heads, splits in LATENT_ROWS:
        row = {"op": "mla-decode", "num_query_heads": heads, "query_lens": [1] * count}
        row |= {"kv_lens": [kv] * count, "kv_bytes": count * kv * 1152}
        call = latent_call(row, splits)
        if call[0] not in {known[0] for known in found}:
            found.append(call)
    return found


def latent_call(row, splits):
    lengths, heads = row["kv_lens"], row["num_query_heads"]
    name = f"mla {len(lengths)}x{lengths[0]} {heads} heads {splits} splits"
    return name, row, "triton-mla", f"triton-mla-{splits}", splits


def provided_inputs(device_batch, output):
    """The tensors of one of our batches as a provider takes them."""
    from reprise_providers.batch import Batch
    from reprise_providers.inputs import Inputs

    shape, geometry = device_batch.shape, device_batch.geometry
    batch = Batch(
        "",
        shape.element,
        geometry.query_heads,
        geometry.kv_heads,
        device_batch.query.shape[-1],
        shape.block_size,
        geometry.rows,
        tuple(device_batch.query_lens),
        tuple(device_batch.kv_lens),
    )
    return Inputs(
        batch,
        device_batch.query,
        output,
        device_batch.cache,
        device_batch.tables,
        device_batch.kv_len_tensor,
        device_batch.query_starts,
        geometry.scale,
    )


class Beside:
    """Times pairs of calls."""

    def __init__(self, options, images):
        from device.worker import Worker
        from reprise_providers.providers import installed_variants

        self.worker = Worker(options.arch, images / options.arch)
        variants = installed_variants().items()
        self.theirs = {k.partition("/")[2]: v for k, v in variants if k.startswith("vllm-")}
        self.batch_of = (None, None)

    def measure(self, call):
        import torch
        from device.worker import relative
        from reprise_kernels.shapes import Shape, latent_shape
        from reprise_kernels.variants import named

        name, row, our_name, their_name, splits = call
        shape = latent_shape() if row["op"] == "mla-decode" else Shape(128, 4)
        pools = row.get("pools") or min(POOLS_MAX, -(-COLD_BYTES // row["kv_bytes"]))
        if self.batch_of[0] != (id(row), splits):
            self.batch_of = (None, None)
            batch = self.worker.timed_batch(row, shape, pools, {"splits": splits})
            self.batch_of = ((id(row), splits), batch)
        batch = self.batch_of[1]
        outputs = [
            torch.full(batch.output_shape, float("nan"), device="cuda").to(batch.query.dtype)
            for _ in range(2)
        ]
        provided = self.theirs[their_name]
        launch_theirs = provided.prepare(provided_inputs(batch, outputs[0]))
        # Scratch must outlive the graphs, which hold addresses alone.
        scratch = self.worker.scratch(named(our_name), batch)
        bound = self.worker.bind(named(our_name), batch, pools, outputs[1], scratch)
        times = self.alternate([launch_theirs, self.launcher(bound)], pools, row)
        del scratch
        for output in outputs:
            if not bool(torch.isfinite(output).all()) or not bool(output.any()):
                raise RuntimeError(f"{name}: an output was not written")
        medians = [statistics.median(samples) for samples in times]
        return {
            "call": name,
            "vllm": provided.name,
            "vllm_microseconds": medians[0],
            "microseconds": medians[1],
            "ratio": medians[1] / medians[0],
            "outputs_apart": relative(outputs[1], outputs[0]),
            "samples": times,
        }

    @staticmethod
    def launcher(bound):
        from device.worker import launch_all

        return lambda pool: launch_all(bound[pool])

    @staticmethod
    def alternate(launches, pools, row):
        """Microseconds a call of each, replayed in turn."""
        import torch

        known = [time for time in row.get("microseconds", {}).values() if time]
        wanted = min(GRAPH_CALLS, int(GRAPH_MICROSECONDS / max(known, default=100)))
        calls = max(1, wanted // pools) * pools
        graphs = []
        for launch in launches:
            for pool in range(min(2, pools)):
                launch(pool)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                for call in range(calls):
                    launch(call % pools)
            graphs.append(graph)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        times = [[] for _ in graphs]
        for turn in range(ROUNDS):
            for graph, samples in zip(graphs, times):
                begin.record()
                graph.replay()
                end.record()
                end.synchronize()
                if turn >= WARMING:
                    samples.append(1e3 * begin.elapsed_time(end) / calls)
        return times


def build(options, calls, folder):
    from reprise_kernels.compiler import compile_all
    from reprise_kernels.images import steps
    from reprise_kernels.shapes import Shape, latent_shape
    from reprise_kernels.variants import named

    names = dict.fromkeys(call[2] for call in calls)
    shapes = {name: latent_shape() if "mla" in name else Shape(128, 4) for name in names}
    images = [step.image for name in names for step in steps(named(name), shapes[name])]
    compile_all(images, options.arch, folder / options.arch, os.cpu_count() or 1)


def summary(results):
    lines = ["ours / vLLM in the same run, microseconds of vLLM's, outputs apart"]
    for result in results:
        lines.append(
            f"  {result['call']}: {result['ratio']:.3f} ({result['vllm_microseconds']:.1f}),"
            f" {result['outputs_apart']:.1e}"
        )
    for kind in ("2d", "3d-16", "splits"):
        ratios = [r["ratio"] for r in results if r["call"].endswith(kind)]
        if ratios:
            near = sum(abs(ratio - 1) <= WITHIN for ratio in ratios)
            lines.append(
                f"{kind if kind != 'splits' else 'mla'}: {near}/{len(ratios)} rows within 5 %,"
                f" median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}"
            )
    return "\n".join(lines)


def main():
    options = parse()
    calls = calls_of(options.kernels)
    deadline = time.monotonic() + options.seconds
    results = []
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        build(options, calls, Path(folder))
        beside = Beside(options, Path(folder))
        with (options.output / "beside.jsonl").open("w") as lines:
            for call in calls:
                if time.monotonic() > deadline:
                    print(f"the time was up before {call[0]}")
                    break
                results.append(beside.measure(call))
                lines.write(json.dumps(results[-1]) + "\n")
    text = summary(results)
    (options.output / "beside.txt").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
