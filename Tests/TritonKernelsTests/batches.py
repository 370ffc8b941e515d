"""Batches for the interpreter, what attention makes of them in float64, and running a variant."""

import importlib
from dataclasses import dataclass

import numpy as np
from host_tensor import HostTensor

from reprise_kernels.images import SOURCES
from reprise_kernels.launches import Geometry, launches, scratch_elements
from reprise_kernels.shapes import LATENT, ROPE


@dataclass
class Batch:
    """Inputs of one call; `reference` is the output in float64, zero for padding."""

    geometry: Geometry
    tensors: dict
    reference: np.ndarray


def softmax_weighted(scores, values):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)) @ values


def block_table_for(kv_lens, block_size, random):
    """Disjoint random blocks for each row, and the number of blocks in the pool."""
    counts = [-(-length // block_size) for length in kv_lens]
    pool = sum(counts) + 1
    order = iter(1 + random.permutation(pool - 1))
    # Unused entries point at block 0, as an engine's null block does.
    table = np.zeros((len(kv_lens), max(max(counts), 1)), np.int32)
    for row, count in enumerate(counts):
        table[row, :count] = [next(order) for _ in range(count)]
    return table, pool


def paged_batch(shape, query_lens, kv_lens, kv_heads=2, seed=0, padding_tokens=0, nan_ends=True):
    """A batch with the K and V of a block beside each other; unused slots hold NaN."""
    random = np.random.default_rng(seed)
    heads = kv_heads * shape.ratio
    starts = np.concatenate([[0], np.cumsum(query_lens)]).astype(np.int32)
    tokens = int(starts[-1]) + padding_tokens
    query = random.standard_normal((tokens, heads, shape.head_size)).astype(np.float16)
    table, pool = block_table_for(kv_lens, shape.block_size, random)
    cache = np.full((pool, 2, shape.block_size, kv_heads, shape.head_size), np.nan, np.float16)
    if not nan_ends:
        cache[:] = 7.0
    scale = shape.head_size**-0.5
    reference = np.zeros((tokens, heads, shape.head_size))
    for row, (query_len, kv_len) in enumerate(zip(query_lens, kv_lens)):
        values = random.standard_normal((2, kv_len, kv_heads, shape.head_size)).astype(np.float16)
        for position in range(kv_len):
            block = table[row, position // shape.block_size]
            cache[block, :, position % shape.block_size] = values[:, position]
        k, v = values.astype(np.float64)
        for place in range(query_len):
            seen = kv_len - query_len + place + 1
            for head in range(heads):
                q = query[starts[row] + place, head].astype(np.float64)
                kv_head = head // shape.ratio
                scores = scale * (k[:seen, kv_head] @ q)
                output = softmax_weighted(scores, v[:seen, kv_head])
                reference[starts[row] + place, head] = output
    strides = tuple(stride // 2 for stride in cache.strides)
    kv_strides = (strides[0], strides[2], strides[3])
    tensors = {
        "query": HostTensor(query),
        "key_cache": HostTensor(cache),
        "value_cache": Offset(HostTensor(cache), strides[1] * 2),
        "block_table": HostTensor(table),
        "kv_lens": HostTensor(np.array(kv_lens, np.int32)),
        "query_starts": HostTensor(starts),
    }
    geometry = Geometry(
        len(query_lens), tokens, heads, kv_heads, table.shape[1], kv_strides, kv_strides, scale
    )
    return Batch(geometry, tensors, reference)


class Offset(HostTensor):
    """A tensor that begins some bytes into another."""

    def __init__(self, base, byte_offset):
        self.array, self.dtype, self.byte_offset = base.array, base.dtype, byte_offset

    def data_ptr(self):
        return self.array.ctypes.data + self.byte_offset

    def new_empty(self, *_, **__):
        return Offset(self, self.byte_offset)


def latent_batch(shape, kv_lens, heads, splits, seed=0):
    random = np.random.default_rng(seed)
    width = LATENT + ROPE
    query = random.standard_normal((len(kv_lens), heads, width)).astype(np.float16)
    table, pool = block_table_for(kv_lens, shape.block_size, random)
    cache = np.full((pool, shape.block_size, width), np.nan, np.float16)
    scale = 192**-0.5
    reference = np.zeros((len(kv_lens), heads, LATENT))
    for row, kv_len in enumerate(kv_lens):
        entries = random.standard_normal((kv_len, width)).astype(np.float16)
        for position in range(kv_len):
            block = table[row, position // shape.block_size]
            cache[block, position % shape.block_size] = entries[position]
        if kv_len:
            k = entries.astype(np.float64)
            scores = scale * query[row].astype(np.float64) @ k.T
            reference[row] = softmax_weighted(scores, k[:, :LATENT])
    strides = (shape.block_size * width, width)
    tensors = {
        "query": HostTensor(query),
        "cache": HostTensor(cache),
        "block_table": HostTensor(table),
        "kv_lens": HostTensor(np.array(kv_lens, np.int32)),
    }
    rows = len(kv_lens)
    geometry = Geometry(
        rows, rows, heads, 1, table.shape[1], strides, strides, scale, splits
    )
    return Batch(geometry, tensors, reference)


def run(variant, shape, batch):
    """Runs a variant with NaN in its output and scratch beforehand; returns the output."""
    output = HostTensor(np.full(batch.reference.shape, np.nan, np.float16))
    tensors = dict(batch.tensors, output=output)
    for name, count in scratch_elements(variant, shape, batch.geometry).items():
        tensors[name] = HostTensor(np.full(count, np.nan, np.float32))
    # Where a kernel has scratch arguments that a variant does not use.
    unused = HostTensor(np.full(1, np.nan, np.float32))
    for launch in launches(variant, shape, batch.geometry):
        image = launch.step.image
        module, table, _ = SOURCES[image.kernel]
        loaded = importlib.import_module(f"reprise_kernels.kernels.{module}")
        arguments = {
            name: launch.scalars.get(name, tensors.get(name, unused))
            for name in getattr(loaded, table)
        }
        getattr(loaded, image.kernel)[launch.grid](**arguments, **dict(image.constants))
    return output.array


def relative_error(output, reference):
    """‖output − reference‖ / ‖reference‖; NaN anywhere makes it NaN."""
    difference = np.linalg.norm(output.astype(np.float64) - reference)
    return difference / max(np.linalg.norm(reference), 1e-30)
