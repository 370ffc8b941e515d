"""From variants to images: which compiled functions a variant launches, with which constants."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .shapes import LATENT, ROPE, Shape
from .variants import Variant

HEADS_PER_PROGRAM = 16
PAGES = 32

KERNELS_FOLDER = Path(__file__).parent / "kernels"

# Kernel -> (file, name of its parameter table, file of shared functions).
SOURCES = {
    "unified_attention": ("unified_attention", "PARAMETERS", "row_search"),
    "reduce_segments": ("reduce_segments", "PARAMETERS", "row_search"),
    "mla_stage1": ("mla_stage1", "PARAMETERS", "latent_tiles"),
    "mla_stage2": ("mla_stage2", "PARAMETERS", None),
    "mla_pages_attend": ("mla_pages", "ATTEND_PARAMETERS", "latent_tiles"),
    "mla_pages_join": ("mla_pages", "JOIN_PARAMETERS", None),
}


@dataclass(frozen=True)
class Image:
    """One compiled function: a kernel, its constants, its element type and compiler options."""

    kernel: str
    element: str
    constants: tuple
    warps: int
    stages: int


@dataclass(frozen=True)
class Step:
    """One launch of a variant: an image and its grid, each extent by name (see `launches`)."""

    image: Image
    grid: tuple


def steps(variant: Variant, shape: Shape):
    """The launches of a variant for a shape, in order."""
    if variant.family == "unified":
        return unified_steps(variant, shape)
    return latent_steps(variant, shape)


def unified_steps(variant, shape):
    head = (("HEAD_SIZE", shape.head_size), ("HEAD_PADDED", shape.head_padded))
    tile = variant.resolved_tile(shape)
    split = (("TILE", tile), ("NUM_SEGMENTS", variant.segments))
    constants = head + (
        ("RATIO", shape.ratio),
        ("BLOCK_SIZE", shape.block_size),
        ("BLOCK_M", variant.resolved_block_m(shape)),
        *split,
        ("TILE_IS_BLOCK", variant.tile_is_block),
        ("CAUSAL_SKIP", variant.causal_skip),
        ("BASE_2", variant.base_2),
        ("CACHE_MODIFIER", variant.cache_modifier),
    )
    attend = Image("unified_attention", shape.element, constants, variant.warps, variant.stages)
    if variant.segments == 1:
        return [Step(attend, ("query_blocks", "kv_heads", "one"))]
    constants = head + split + (("BASE_2", variant.base_2),)
    reduce = Image("reduce_segments", shape.element, constants, variant.reduce_warps, 3)
    return [
        Step(attend, ("query_blocks", "kv_heads", "segments")),
        Step(reduce, ("tokens", "query_heads", "one")),
    ]


def latent_steps(variant, shape):
    sizes = (("LATENT", LATENT), ("ROPE", ROPE), ("BLOCK_SIZE", shape.block_size))
    tiles = (("BLOCK_H", HEADS_PER_PROGRAM), ("BLOCK_N", variant.tile))
    reading = (
        ("REUSE_KEYS", variant.reuse_keys),
        ("WIDE_OFFSETS", variant.wide_offsets),
        ("CACHE_MODIFIER", variant.cache_modifier),
        ("TABLE_MODIFIER", variant.table_modifier),
    )
    options = (variant.warps, variant.stages)
    latent = (("LATENT", LATENT),)
    stage2 = Step(
        Image("mla_stage2", shape.element, latent, 4, 2), ("rows", "query_heads", "one")
    )
    if variant.family == "mla":
        image = Image("mla_stage1", shape.element, sizes + tiles + reading, *options)
        return [Step(image, ("rows", "head_blocks", "splits")), stage2]
    pages = (("PAGES", PAGES),)
    attend = Image("mla_pages_attend", shape.element, sizes + tiles + pages + reading, *options)
    join = Image("mla_pages_join", shape.element, latent + tiles + pages, 4, 2)
    return [
        Step(attend, ("rows", "head_blocks", "split_pages")),
        Step(join, ("rows", "head_blocks", "split_heads")),
        stage2,
    ]


@cache
def source_files(kernel: str):
    """The files that hold a kernel's code, its own first."""
    own, _, shared = SOURCES[kernel]
    return tuple(KERNELS_FOLDER / f"{name}.py" for name in (own, shared) if name)
