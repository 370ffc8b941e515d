"""Batches in GPU memory, and what attention makes of them in float64."""

from dataclasses import dataclass

import torch

from reprise_kernels.launches import Geometry
from reprise_kernels.shapes import LATENT, ROPE, Shape

ELEMENTS = {"bf16": torch.bfloat16, "fp16": torch.float16}
FILL_CHUNK = 1 << 28
LATENT_SCALE = 192**-0.5


@dataclass
class DeviceBatch:
    """One batch with `pools` separate caches; `tables[i]` points into the i-th."""

    shape: Shape
    query_lens: list
    kv_lens: list
    geometry: Geometry
    query: torch.Tensor
    cache: torch.Tensor
    tables: list
    kv_len_tensor: torch.Tensor
    query_starts: torch.Tensor

    @property
    def output_shape(self):
        return (*self.query.shape[:2], self.shape.head_size)

    def pointers(self, pool):
        """Addresses by parameter name."""
        found = {
            "query": self.query.data_ptr(),
            "block_table": self.tables[pool].data_ptr(),
            "kv_lens": self.kv_len_tensor.data_ptr(),
        }
        if self.shape.latent:
            return found | {"cache": self.cache.data_ptr()}
        half = self.geometry.key_strides[0] // 2 * self.cache.element_size()
        return found | {
            "query_starts": self.query_starts.data_ptr(),
            "key_cache": self.cache.data_ptr(),
            "value_cache": self.cache.data_ptr() + half,
        }


def block_elements(shape, kv_heads):
    """Elements of one cache block: K and V of all heads, or latent entries."""
    if shape.latent:
        return shape.block_size * (LATENT + ROPE)
    return 2 * shape.block_size * kv_heads * shape.head_size


def random_arena(elements, element, device):
    """Normal random numbers; filled in parts, as one fill's temporary would be as large."""
    arena = torch.empty(elements, dtype=ELEMENTS[element], device=device)
    for part in arena.split(FILL_CHUNK):
        part.normal_()
    return arena


def block_counts(shape, kv_lens):
    return [-(-length // shape.block_size) for length in kv_lens]


def arena_elements(shape, kv_heads, kv_lens, pools):
    return pools * max(sum(block_counts(shape, kv_lens)), 1) * block_elements(shape, kv_heads)


def make_batch(
    shape, query_lens, kv_lens, kv_heads, arena, pools=1, padding_tokens=0, splits=1, heads=None
):
    """A batch over the beginning of an arena, its blocks scattered at random within each pool."""
    device = arena.device
    counts = block_counts(shape, kv_lens)
    blocks = max(sum(counts), 1)
    width = max(max(counts), 1)
    tables = [block_table(counts, width, blocks, pool, device) for pool in range(pools)]
    used = pools * blocks * block_elements(shape, kv_heads)
    tokens = sum(query_lens) + padding_tokens
    heads = heads or kv_heads * shape.ratio
    entry = LATENT + ROPE if shape.latent else shape.head_size
    query = torch.randn(tokens, heads, entry, device=device).to(arena.dtype)
    if shape.latent:
        strides = (shape.block_size * entry, entry)
        cache = arena[:used].view(pools * blocks, shape.block_size, entry)
    else:
        slot = kv_heads * entry
        strides = (2 * shape.block_size * slot, slot, entry)
        cache = arena[:used].view(pools * blocks, 2, shape.block_size, kv_heads, entry)
    scale = LATENT_SCALE if shape.latent else entry**-0.5
    geometry = Geometry(
        len(kv_lens), tokens, heads, kv_heads, width, strides, strides, scale, splits
    )
    starts = torch.tensor([0, *query_lens], device=device).cumsum(0).to(torch.int32)
    lens = torch.tensor(kv_lens, dtype=torch.int32, device=device)
    return DeviceBatch(shape, query_lens, kv_lens, geometry, query, cache, tables, lens, starts)


def block_table(counts, width, blocks, pool, device):
    order = torch.randperm(blocks, device=device).to(torch.int32) + pool * blocks
    table = torch.zeros(len(counts), width, dtype=torch.int32, device=device)
    first = 0
    for row, count in enumerate(counts):
        table[row, :count] = order[first : first + count]
        first += count
    return table


def row_cache(batch, row):
    """K and V of a row in float64, [kv_len, KV heads, …]; of a latent row the entries, twice."""
    blocks = batch.tables[0][row, : block_counts(batch.shape, [batch.kv_lens[row]])[0]].long()
    found = batch.cache[blocks]
    length = batch.kv_lens[row]
    if batch.shape.latent:
        entries = found.flatten(0, 1)[:length].double()
        return entries[:, None], entries[:, None, :LATENT]
    return found[:, 0].flatten(0, 1)[:length].double(), found[:, 1].flatten(0, 1)[:length].double()


def reference(batch):
    """The output in float64; zero for padding tokens and rows without KV."""
    output = torch.zeros(batch.output_shape, dtype=torch.float64, device=batch.query.device)
    start = 0
    for row, query_len in enumerate(batch.query_lens):
        if query_len and batch.kv_lens[row]:
            k, v = row_cache(batch, row)
            q = batch.query[start : start + query_len].double()
            output[start : start + query_len] = attend(q, k, v, batch.geometry.scale)
        start += query_len
    return output


def attend(q, k, v, scale):
    """Causal attention of the last tokens of a row; one KV head at a time bounds the memory."""
    query_len, heads = q.shape[:2]
    kv_heads = k.shape[1]
    ratio = heads // kv_heads
    position = torch.arange(k.shape[0], device=q.device)
    limit = torch.arange(query_len, device=q.device) + k.shape[0] - query_len
    hidden = position[None, None] > limit[None, :, None]
    parts = []
    for kv_head in range(kv_heads):
        mine = q[:, kv_head * ratio : (kv_head + 1) * ratio].transpose(0, 1)
        scores = (scale * mine @ k[:, kv_head].T).masked_fill(hidden, float("-inf"))
        parts.append((scores.softmax(-1) @ v[:, kv_head]).transpose(0, 1))
    return torch.cat(parts, 1)


def fill_unused_slots(batch, value):
    """Writes a value where a row's last block holds no token."""
    for row, length in enumerate(batch.kv_lens):
        used = length % batch.shape.block_size
        if used:
            block = int(batch.tables[0][row, length // batch.shape.block_size])
            if batch.shape.latent:
                batch.cache[block, used:] = value
            else:
                batch.cache[block, :, used:] = value
