"""What a compiled kernel knows of a model: its head, its ratio of heads, its cache."""

from dataclasses import dataclass

LATENT = 512
ROPE = 64


@dataclass(frozen=True)
class Shape:
    """Head geometry of one kind of model, on any tensor-parallel rank.

    `ratio` is query heads per KV head, which tensor parallelism keeps as long as it splits KV
    heads. A latent (MLA) shape has one KV head of LATENT + ROPE elements and any number of query
    heads; its `head_size` is LATENT and its ratio is 0, as no kernel is compiled for it.
    """

    head_size: int
    ratio: int
    block_size: int = 16
    element: str = "bf16"
    latent: bool = False

    @property
    def name(self):
        if self.latent:
            return f"mla-b{self.block_size}-{self.element}"
        return f"h{self.head_size}-r{self.ratio}-b{self.block_size}-{self.element}"

    @property
    def head_padded(self):
        return 1 << (self.head_size - 1).bit_length()


def latent_shape(block_size=64, element="bf16"):
    return Shape(LATENT, 0, block_size, element, latent=True)


MODELS = {
    "llama-3.1-8b": Shape(128, 4),
    "mistral-small-24b": Shape(128, 4),
    "qwen3-32b": Shape(128, 8),
    "llama-3.3-70b": Shape(128, 8),
    "gpt-oss-120b": Shape(64, 8),
    "deepseek-v3": latent_shape(),
}

# Beside the models: the other block sizes, fp16, head 256, and ratios that do not divide BLOCK_M or
# exceed it.
CHECKED_SHAPES = (
    Shape(128, 4, block_size=32),
    Shape(128, 4, block_size=64, element="fp16"),
    Shape(128, 5),
    Shape(128, 1),
    Shape(128, 24),
    Shape(256, 2, block_size=32),
    latent_shape(block_size=16, element="fp16"),
)


def model_shapes():
    """Every shape of MODELS once, in the order of the table."""
    return list(dict.fromkeys(MODELS.values()))
