"""A batch in GPU memory: queries, a paged cache and block tables, as an engine leaves them.

The cache has random contents; each of the `pools` copies of a batch's KV has blocks of its own, in
random order. Padding rows have no KV, and start after the last token.
"""

from dataclasses import dataclass

import torch

from .batch import LATENT, Batch

ELEMENTS = {"bf16": torch.bfloat16, "fp16": torch.float16}
FILL_CHUNK = 1 << 28
# Kernels read a table to the end of their last tile, which has at most 128 tokens.
TABLE_MARGIN = 8
LATENT_SCALE = 192**-0.5


@dataclass
class Inputs:
    """What a kernel is given; `tables[i]` points into the i-th copy of the KV.

    `query` is [tokens, query heads, head]. `cache` is [blocks, 2, block size, KV heads, head], keys
    before values; of a latent batch [blocks, block size, 576]. `query_starts` has one entry more
    than `kv_lens`.
    """

    batch: Batch
    query: torch.Tensor
    output: torch.Tensor
    cache: torch.Tensor
    tables: list
    kv_lens: torch.Tensor
    query_starts: torch.Tensor
    scale: float

    @property
    def key_cache(self):
        return self.cache[:, 0]

    @property
    def value_cache(self):
        return self.cache[:, 1]


class Pool:
    """Random elements that all batches share; grows to the largest."""

    def __init__(self, device="cuda"):
        self.device = device
        self.elements = None

    def of(self, batch: Batch, pools: int):
        """The first elements, enough for a batch's copies."""
        count = pools * max(1, batch.blocks) * batch.block_elements
        kind = ELEMENTS[batch.element]
        held = 0 if self.elements is None else len(self.elements)
        if held < count or self.elements.dtype != kind:
            self.elements = None
            # Twice what there was, where that fits well: batches of a plan grow little by little.
            free = torch.cuda.mem_get_info()[0] // kind.itemsize if self.device == "cuda" else 0
            fresh = torch.empty(max(count, min(2 * held, free // 2)), dtype=kind, device=self.device)
            for part in fresh.split(FILL_CHUNK):
                part.normal_()
            self.elements = fresh
        return self.elements[:count]


def make_inputs(batch: Batch, pool: Pool, pools: int):
    """A batch over copies of its KV; output is poisoned."""
    device, kind = pool.device, ELEMENTS[batch.element]
    blocks = max(1, batch.blocks)
    if batch.is_latent:
        cache = pool.of(batch, pools).view(pools * blocks, batch.block_size, batch.head_size)
    else:
        sizes = (pools * blocks, 2, batch.block_size, batch.kv_heads, batch.head_size)
        cache = pool.of(batch, pools).view(sizes)
    query = torch.randn(batch.tokens, batch.query_heads, batch.head_size, device=device).to(kind)
    width = LATENT if batch.is_latent else batch.head_size
    output = torch.full((batch.tokens, batch.query_heads, width), float("nan"), device=device)
    starts = [0]
    for length in batch.query_lens:
        starts.append(starts[-1] + length)
    starts += [starts[-1]] * (batch.rows - len(batch.kv_lens))
    lens = list(batch.kv_lens) + [0] * (batch.rows - len(batch.kv_lens))
    return Inputs(
        batch,
        query,
        output.to(kind),
        cache,
        [block_table(batch, blocks, number, device) for number in range(pools)],
        torch.tensor(lens, dtype=torch.int32, device=device),
        torch.tensor(starts, dtype=torch.int32, device=device),
        LATENT_SCALE if batch.is_latent else batch.head_size**-0.5,
    )


def block_table(batch, blocks, number, device):
    counts = [-(-length // batch.block_size) for length in batch.kv_lens]
    width = (max(counts, default=0) + TABLE_MARGIN + 7) // 8 * 8
    order = (torch.randperm(blocks) + number * blocks).to(torch.int32)
    table = torch.zeros(batch.rows, width, dtype=torch.int32)
    first = 0
    for row, count in enumerate(counts):
        table[row, :count] = order[first : first + count]
        first += count
    return table.to(device)


def reference(inputs: Inputs):
    """The output in float64, for the first copy; zero where there is no KV."""
    batch = inputs.batch
    output = torch.zeros(inputs.output.shape, dtype=torch.float64, device=inputs.query.device)
    start = 0
    for row, (query_len, kv_len) in enumerate(zip(batch.query_lens, batch.kv_lens)):
        blocks = inputs.tables[0][row, : -(-kv_len // batch.block_size)].long()
        found = inputs.cache[blocks]
        if batch.is_latent:
            entries = found.flatten(0, 1)[:kv_len].double()
            keys, values = entries[:, None], entries[:, None, :LATENT]
        else:
            keys = found[:, 0].flatten(0, 1)[:kv_len].double()
            values = found[:, 1].flatten(0, 1)[:kv_len].double()
        query = inputs.query[start : start + query_len].double()
        output[start : start + query_len] = attend(query, keys, values, inputs.scale)
        start += query_len
    return output


def attend(query, keys, values, scale):
    """Causal attention of a row's last tokens, one KV head at a time to bound the memory."""
    ratio = query.shape[1] // keys.shape[1]
    limit = torch.arange(len(query), device=query.device) + len(keys) - len(query)
    hidden = torch.arange(len(keys), device=query.device)[None, None] > limit[None, :, None]
    parts = []
    for head in range(keys.shape[1]):
        mine = query[:, head * ratio : (head + 1) * ratio].transpose(0, 1)
        scores = (scale * mine @ keys[:, head].T).masked_fill(hidden, float("-inf"))
        parts.append((scores.softmax(-1) @ values[:, head]).transpose(0, 1))
    return torch.cat(parts, 1)
