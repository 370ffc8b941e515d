"""The kernel variants. Adding one is one line in a table below."""

from dataclasses import dataclass

from .shapes import Shape

AUTOMATIC = 0


@dataclass(frozen=True)
class Variant:
    """One kernel, or a fixed sequence of kernels, with its parameters.

    `name` is what policies, measurements and reports call it. `block_m` AUTOMATIC is vLLM's rule:
    16, or the ratio's next power of two where the ratio is larger. `tile` AUTOMATIC is the cache's
    block size.
    """

    name: str
    family: str
    tile: int = 32
    segments: int = 1
    block_m: int = AUTOMATIC
    warps: int = 4
    stages: int = 3
    tile_is_block: bool = False
    causal_skip: bool = True
    base_2: bool = False
    cache_modifier: str = ""
    table_modifier: str = ""
    reuse_keys: bool = True
    wide_offsets: bool = False
    reduce_warps: int = 4

    def resolved_block_m(self, shape: Shape):
        if self.block_m != AUTOMATIC:
            return self.block_m
        return 16 if shape.ratio <= 16 else 1 << (shape.ratio - 1).bit_length()

    def resolved_tile(self, shape: Shape):
        return shape.block_size if self.tile == AUTOMATIC else self.tile

    def fits(self, shape: Shape):
        """Whether the kernel can be built for a shape."""
        if shape.latent != (self.family in LATENT_FAMILIES):
            return False
        return shape.latent or self.resolved_block_m(shape) >= shape.ratio


LATENT_FAMILIES = ("mla", "mla-pages")


def today(segments):
    """Split-KV as vLLM runs it since 0.11: tile 16."""
    return Variant(f"triton-3d-{segments}", "unified", tile=16, segments=segments)


# The kernels that policies choose from: vLLM's of today, and at other split counts.
CORE = (
    Variant("triton-2d", "unified"),
    today(2),
    today(4),
    today(8),
    today(16),
    today(32),
    today(64),
    today(128),
    Variant("triton-mla", "mla", tile=32, stages=2, cache_modifier=".cg", table_modifier=".ca"),
)

# As merged in vLLM's pull request 19152, 19774's pages, and MLA as both found it.
HISTORICAL = (
    Variant(
        "triton-2d-pr19152", "unified", AUTOMATIC, block_m=16, tile_is_block=True, causal_skip=False
    ),
    Variant(
        "triton-3d-16-pr19152", "unified", AUTOMATIC, 16, 16, tile_is_block=True, causal_skip=False
    ),
    Variant("triton-mla-2025", "mla", tile=32, stages=2, reuse_keys=False),
    Variant("triton-mla-pages", "mla-pages", tile=32, stages=2, reuse_keys=False),
)

# Other block sizes for prefill and large batches; names state what differs from `triton-2d`.
TUNED = (
    Variant("triton-2d-m32", "unified", block_m=32),
    Variant("triton-2d-m64", "unified", block_m=64),
    Variant("triton-2d-m128", "unified", block_m=128),
    Variant("triton-2d-t16", "unified", tile=16),
    Variant("triton-2d-t64", "unified", tile=64),
    Variant("triton-2d-t128-w8", "unified", tile=128, warps=8),
    Variant("triton-2d-m64-t64", "unified", tile=64, block_m=64),
    Variant("triton-2d-m128-t64-w8", "unified", tile=64, block_m=128, warps=8),
    Variant("triton-2d-m32-t128-w8-s2", "unified", tile=128, block_m=32, warps=8, stages=2),
    Variant("triton-3d-16-t32", "unified", tile=32, segments=16),
    Variant("triton-3d-32-t64", "unified", tile=64, segments=32),
)

VARIANTS = CORE + HISTORICAL + TUNED

# What shapes beside the models' are checked with; the rest adds compile time and no new code path.
CHECKED_NAMES = (
    "triton-2d",
    "triton-3d-16",
    "triton-2d-pr19152",
    "triton-3d-16-pr19152",
    "triton-2d-m64-t64",
    "triton-mla",
    "triton-mla-pages",
)


def variants_for(shape: Shape, names=None):
    """The variants that a shape admits, in the order of the table."""
    return [v for v in VARIANTS if v.fits(shape) and (names is None or v.name in names)]


def named(name: str):
    """The variant of a name; KeyError otherwise."""
    for variant in VARIANTS:
        if variant.name == name:
            return variant
    raise KeyError(name)
