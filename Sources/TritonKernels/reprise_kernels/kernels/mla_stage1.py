"""MLA decode, first stage: one program per row, block of heads and part of the KV.

Grid: (rows, query heads / BLOCK_H rounded up, splits). Each split that has KV writes its output,
divided by its sum, and the logarithm of its sum of exponentials behind it.
"""

import triton
import triton.language as tl

from .latent_tiles import attend_tile, entry_columns, heads_of_program, load_queries

PARAMETERS = {
    # [rows, query heads, splits, LATENT + 1]
    "partial": "*fp32:16",
    # [rows, query heads, LATENT + ROPE]
    "query": "*element:16",
    # [blocks, BLOCK_SIZE, LATENT + ROPE]
    "cache": "*element:16",
    "block_table": "*i32:16",
    "kv_lens": "*i32:16",
    "scale": "fp32",
    "query_heads": "i32",
    "query_row_stride": "i32:16",
    "query_head_stride": "i32:16",
    "block_table_stride": "i32",
    "cache_block_stride": "i32:16",
    "cache_slot_stride": "i32:16",
}


@triton.jit
def mla_stage1(
    partial,
    query,
    cache,
    block_table,
    kv_lens,
    scale,
    query_heads,
    query_row_stride,
    query_head_stride,
    block_table_stride,
    cache_block_stride,
    cache_slot_stride,
    LATENT: tl.constexpr,
    ROPE: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_N: tl.constexpr,
    REUSE_KEYS: tl.constexpr,
    WIDE_OFFSETS: tl.constexpr,
    CACHE_MODIFIER: tl.constexpr,
    TABLE_MODIFIER: tl.constexpr,
):
    row = tl.program_id(0)
    split = tl.program_id(2)
    splits = tl.num_programs(2)
    heads, head_mask = heads_of_program(tl.program_id(1), query_heads, BLOCK_H)

    kv_len = tl.load(kv_lens + row)
    per_split = tl.cdiv(kv_len, splits)
    begin = per_split * split
    end = tl.minimum(begin + per_split, kv_len)
    q_latent, q_rope = load_queries(
        query, row, heads, head_mask, query_row_stride, query_head_stride, LATENT, ROPE
    )
    if begin >= end:
        return

    latent_column, rope_column = entry_columns(
        tl.program_id(1), query_heads, cache_slot_stride, LATENT, ROPE, BLOCK_H
    )
    table_at = row * block_table_stride
    running_max = tl.full([BLOCK_H], float("-inf"), tl.float32)
    running_sum = tl.zeros([BLOCK_H], tl.float32)
    accumulator = tl.zeros([BLOCK_H, LATENT], tl.float32)
    for first in range(begin, end, BLOCK_N):
        accumulator, running_max, running_sum = attend_tile(
            accumulator,
            running_max,
            running_sum,
            q_latent,
            q_rope,
            cache,
            latent_column,
            rope_column,
            block_table,
            table_at,
            first + tl.arange(0, BLOCK_N),
            end,
            head_mask,
            scale,
            cache_block_stride,
            cache_slot_stride,
            LATENT,
            ROPE,
            BLOCK_SIZE,
            REUSE_KEYS,
            WIDE_OFFSETS,
            CACHE_MODIFIER,
            TABLE_MODIFIER,
        )

    latent = tl.arange(0, LATENT)
    # 32 bits, as every offset here: a cache and `partial` must have fewer than 2³¹ elements each.
    head_stride = splits * (LATENT + 1)
    cell = row * (query_heads * head_stride) + heads * head_stride + split * (LATENT + 1)
    tl.store(
        partial + (cell[:, None] + latent[None, :]),
        accumulator / running_sum[:, None],
        mask=head_mask[:, None],
    )
    tl.store(partial + cell + LATENT, running_max + tl.log(running_sum), mask=head_mask)
