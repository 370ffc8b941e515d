"""What is checked and timed: plain descriptions, so that any process can take up any of them."""

import json
from dataclasses import replace

from reprise_kernels.shapes import CHECKED_SHAPES, Shape, latent_shape, model_shapes
from reprise_kernels.variants import CHECKED_NAMES, named, variants_for

MEASURED_SHAPE = Shape(128, 4)
MEASURED_LATENT = latent_shape()
KV_HEADS = 8

EDGES = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 272, 1000, 2049]

# Query lengths, KV lengths, padding tokens.
DECODE_BATCHES = {
    "edges": ([1] * len(EDGES), EDGES, 0),
    "graph-padding": ([1] * 9 + [0] * 7, [500, 1, 33, 2000, 16, 17, 4096, 64, 700] + [0] * 7, 7),
    "100k": ([1, 1], [100_000, 40], 0),
    "short-queries": ([4, 1, 8, 2], [100, 33, 3000, 2], 0),
}
PREFILL_BATCHES = {
    "mixed": ([1, 1000, 1, 37, 16, 0, 300], [1100, 1000, 17, 500, 4000, 0, 315], 0),
    "100k-chunk": ([64, 1], [100_000, 129], 0),
}
LATENT_BATCHES = {
    "edges": (EDGES + [0, 5], 4, 16),
    "one-split": ([1, 33, 700, 0], 1, 16),
    "many-heads": ([300, 65, 1500], 16, 128),
    "odd-heads": ([300, 65], 3, 20),
    "100k": ([100_000, 40], 32, 16),
    "100k-264-splits": ([100_000], 264, 16),
}

# Structural alternatives to vLLM's kernel in one run, so that the closest can be chosen.
ALTERNATIVES = {
    "stages-1": {"stages": 1},
    "stages-2": {"stages": 2},
    "stages-4": {"stages": 4},
    "base-2": {"base_2": True},
    "cg": {"cache_modifier": ".cg"},
    "ca": {"cache_modifier": ".ca"},
    "warps-2": {"warps": 2},
    "warps-8": {"warps": 8},
}
LATENT_ALTERNATIVES = {
    "stages-1": {"stages": 1},
    "stages-3": {"stages": 3},
    "two-loads": {"reuse_keys": False},
    "wide": {"wide_offsets": True},
    "plain-loads": {"cache_modifier": "", "table_modifier": ""},
}


def alternatives(variant, table):
    """The variant, then its alternatives with a label behind the name."""
    others = [replace(variant, name=f"{variant.name}+{k}", **v) for k, v in table.items()]
    return [variant, *others]


def split_alternatives():
    split = named("triton-3d-16")
    extra = {"reduce-warps-1": {"reduce_warps": 1}, "reduce-warps-2": {"reduce_warps": 2}}
    return alternatives(split, ALTERNATIVES | extra)


def checked_pairs():
    """[(variant, shape)] whose results are checked."""
    pairs = [(v, s) for s in model_shapes() for v in variants_for(s)]
    pairs += [(v, s) for s in CHECKED_SHAPES for v in variants_for(s, CHECKED_NAMES)]
    return list(dict.fromkeys(pairs))


def timed_pairs():
    """[(variant, shape)] that are timed."""
    paged = alternatives(named("triton-2d"), ALTERNATIVES) + split_alternatives()
    latent = alternatives(named("triton-mla"), LATENT_ALTERNATIVES)
    return [(v, MEASURED_SHAPE) for v in paged] + [(v, MEASURED_LATENT) for v in latent]


def correctness_tasks():
    """One task a batch and variant, batches outermost so that a reference is computed once."""
    tasks = []
    for shape in dict.fromkeys(s for _, s in checked_pairs()):
        variants = [v for v, s in checked_pairs() if s == shape]
        names = LATENT_BATCHES if shape.latent else DECODE_BATCHES | PREFILL_BATCHES
        for batch in names:
            for variant in variants:
                # Splitting is for decode rows; its scratch would not fit a prefill.
                if variant.segments > 1 and batch in PREFILL_BATCHES:
                    continue
                tasks.append({"kind": "check", "shape": shape, "batch": batch, "variant": variant})
    # The alternatives must be right before their times mean anything.
    for variant, shape in timed_pairs():
        tasks.append({"kind": "check", "shape": shape, "batch": "edges", "variant": variant})
    return tasks


def timing_tasks(path):
    """One task a row and variant: vLLM's own structures over all rows first, then the others."""
    rows = [json.loads(line) for line in open(path)]
    first, later = [], []
    for row in rows:
        for variant, shape in timed_pairs():
            for splits, measured in comparisons(row, variant, shape):
                task = {"kind": "time", "row": row, "variant": variant, "shape": shape}
                task |= {"splits": splits, "vllm": measured}
                (later if "+" in variant.name else first).append(task)
    return first + later


def comparisons(row, variant, shape):
    """[(splits, vLLM's microseconds)] of a row that a variant stands for."""
    times = row["microseconds"]
    if row["op"] == "mla-decode":
        prefix = "vllm-0.24-triton-mla-splits-"
        found = [(int(k.removeprefix(prefix)), v) for k, v in times.items() if prefix in k]
        return found if shape.latent else []
    if shape.latent:
        return []
    name = f"vllm-0.24-{variant.name.partition('+')[0]}"
    return [(1, times[name])] if name in times else []
