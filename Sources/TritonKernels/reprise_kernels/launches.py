"""How a variant is launched for a batch: grids, scratch buffers and scalar arguments.

The pure arithmetic of a launch, in one place for everything in Python that launches; whoever
launches from another language follows this file and the manifest.
"""

from dataclasses import dataclass

from .images import HEADS_PER_PROGRAM, PAGES, Step, steps
from .shapes import LATENT, ROPE, Shape
from .variants import Variant


@dataclass(frozen=True)
class Geometry:
    """Sizes of a batch and of the tensors that hold it; strides in elements.

    `tokens` and `rows` include the padding of a CUDA graph. `kv_strides` are those of block, slot
    and head, for K and V each; latent caches use the first two.
    """

    rows: int
    tokens: int
    query_heads: int
    kv_heads: int
    block_table_stride: int
    key_strides: tuple
    value_strides: tuple
    scale: float
    splits: int = 1


@dataclass(frozen=True)
class Launch:
    """One kernel launch; `scalars` holds every argument that is not a tensor."""

    step: Step
    grid: tuple
    scalars: dict


# Elements that 32-bit offsets reach.
OFFSETS_MAX = (1 << 31) - 1


class BeyondReach(ValueError):
    """A batch of more elements than a kernel's 32-bit offsets reach."""


def launches(variant: Variant, shape: Shape, geometry: Geometry):
    """The launches of a variant on a batch, in order; BeyondReach where an offset would overflow."""
    check_reach(shape, geometry)
    extents = grid_extents(variant, shape, geometry)
    scalars = scalar_arguments(shape, geometry)
    return [
        Launch(step, tuple(extents[name] for name in step.grid), scalars)
        for step in steps(variant, shape)
    ]


def check_reach(shape, geometry):
    """MLA kernels address queries and partial results with 32 bits, as vLLM's do."""
    if not shape.latent:
        return
    heads = geometry.rows * geometry.query_heads
    sizes = {
        "queries": heads * (LATENT + ROPE),
        f"partial results of {geometry.splits} splits": heads * geometry.splits * (LATENT + 1),
    }
    for name, elements in sizes.items():
        if elements > OFFSETS_MAX:
            raise BeyondReach(f"{elements} elements of {name} are more than 32-bit offsets reach")


def grid_extents(variant, shape, geometry):
    """Every extent that a grid in the manifest may name."""
    extents = {
        "one": 1,
        "rows": geometry.rows,
        "tokens": geometry.tokens,
        "query_heads": geometry.query_heads,
        "kv_heads": geometry.kv_heads,
        "segments": variant.segments,
    }
    if shape.latent:
        extents["head_blocks"] = -(-geometry.query_heads // HEADS_PER_PROGRAM)
        extents["splits"] = geometry.splits
        extents["split_pages"] = geometry.splits * PAGES
        extents["split_heads"] = geometry.splits * HEADS_PER_PROGRAM
    else:
        query_tokens = variant.resolved_block_m(shape) // shape.ratio
        extents["query_blocks"] = geometry.tokens // query_tokens + geometry.rows
    return extents


def scalar_arguments(shape, geometry):
    """Scalars by parameter name, for contiguous queries and outputs."""
    if shape.latent:
        width = LATENT + ROPE
        return {
            "scale": geometry.scale,
            "query_heads": geometry.query_heads,
            "splits": geometry.splits,
            "query_row_stride": geometry.query_heads * width,
            "query_head_stride": width,
            "output_row_stride": geometry.query_heads * LATENT,
            "output_head_stride": LATENT,
            "block_table_stride": geometry.block_table_stride,
            "cache_block_stride": geometry.key_strides[0],
            "cache_slot_stride": geometry.key_strides[1],
        }
    token_stride = geometry.query_heads * shape.head_size
    scalars = {
        "scale": geometry.scale,
        "rows": geometry.rows,
        "query_token_stride": token_stride,
        "query_head_stride": shape.head_size,
        "output_token_stride": token_stride,
        "output_head_stride": shape.head_size,
        "block_table_stride": geometry.block_table_stride,
    }
    for name, strides in (("key", geometry.key_strides), ("value", geometry.value_strides)):
        for part, stride in zip(("block", "slot", "head"), strides):
            scalars[f"{name}_{part}_stride"] = stride
    return scalars


def scratch_elements(variant: Variant, shape: Shape, geometry: Geometry):
    """fp32 elements of each scratch tensor that a variant needs, by parameter name."""
    if variant.family == "unified":
        if variant.segments == 1:
            return {}
        cells = geometry.tokens * geometry.query_heads * variant.segments
        return {
            "segment_output": cells * shape.head_padded,
            "segment_max": cells,
            "segment_sum": cells,
        }
    cells = geometry.rows * geometry.query_heads * geometry.splits
    scratch = {"partial": cells * (LATENT + 1)}
    if variant.family == "mla-pages":
        scratch["pages"] = PAGES * cells * (LATENT + 3)
    return scratch
