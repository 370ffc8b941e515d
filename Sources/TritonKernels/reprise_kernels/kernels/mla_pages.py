"""MLA decode, first stage in two parts through a buffer of pages (vLLM pull request 19774).

`mla_pages_attend` spreads the tiles of a split over PAGES programs, page p taking tiles p,
p + PAGES, p + 2 PAGES and so on; `mla_pages_join` merges a split's pages into what `mla_stage1`
would have written, one program per head, so that the second stage is the same.

Grids: (rows, query heads / BLOCK_H rounded up, splits * PAGES), then the same with
splits * BLOCK_H.
"""

import triton
import triton.language as tl

from .latent_tiles import attend_tile, entry_columns, heads_of_program, load_queries

ATTEND_PARAMETERS = {
    # [PAGES, rows, query heads, splits, LATENT + 3]: output not divided, sum, max, one unused.
    "pages": "*fp32:16",
    "query": "*element:16",
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

JOIN_PARAMETERS = {
    # [rows, query heads, splits, LATENT + 1]
    "partial": "*fp32:16",
    "pages": "*fp32:16",
    "kv_lens": "*i32:16",
    "query_heads": "i32",
}


@triton.jit
def mla_pages_attend(
    pages,
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
    PAGES: tl.constexpr,
    REUSE_KEYS: tl.constexpr,
    WIDE_OFFSETS: tl.constexpr,
    CACHE_MODIFIER: tl.constexpr,
    TABLE_MODIFIER: tl.constexpr,
):
    row = tl.program_id(0)
    split = tl.program_id(2) // PAGES
    page = tl.program_id(2) % PAGES
    splits = tl.num_programs(2) // PAGES
    heads, head_mask = heads_of_program(tl.program_id(1), query_heads, BLOCK_H)

    kv_len = tl.load(kv_lens + row)
    per_split = tl.cdiv(kv_len, splits)
    begin = per_split * split
    end = tl.minimum(begin + per_split, kv_len)
    if begin + page * BLOCK_N >= end:
        return

    q_latent, q_rope = load_queries(
        query, row, heads, head_mask, query_row_stride, query_head_stride, LATENT, ROPE
    )
    latent_column, rope_column = entry_columns(
        tl.program_id(1), query_heads, cache_slot_stride, LATENT, ROPE, BLOCK_H
    )
    table_at = row * block_table_stride
    running_max = tl.full([BLOCK_H], float("-inf"), tl.float32)
    running_sum = tl.zeros([BLOCK_H], tl.float32)
    accumulator = tl.zeros([BLOCK_H, LATENT], tl.float32)
    for first in range(begin + page * BLOCK_N, end, PAGES * BLOCK_N):
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
    rows = tl.num_programs(0)
    place = ((page * rows + row).to(tl.int64) * query_heads + heads) * splits + split
    cell = place * (LATENT + 3)
    tl.store(pages + cell[:, None] + latent[None, :], accumulator, mask=head_mask[:, None])
    tl.store(pages + cell + LATENT, running_sum, mask=head_mask)
    tl.store(pages + cell + LATENT + 1, running_max, mask=head_mask)


@triton.jit
def mla_pages_join(
    partial,
    pages,
    kv_lens,
    query_heads,
    LATENT: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_N: tl.constexpr,
    PAGES: tl.constexpr,
):
    row = tl.program_id(0)
    rows = tl.num_programs(0)
    splits = tl.num_programs(2) // BLOCK_H
    split = tl.program_id(2) // BLOCK_H
    head = tl.program_id(1) * BLOCK_H + tl.program_id(2) % BLOCK_H
    if head >= query_heads:
        return
    kv_len = tl.load(kv_lens + row)
    per_split = tl.cdiv(kv_len, splits)
    begin = per_split * split
    end = tl.minimum(begin + per_split, kv_len)
    if begin >= end:
        return

    latent = tl.arange(0, LATENT)
    running_max = -float("inf")
    running_sum = 0.0
    accumulator = tl.zeros([LATENT], tl.float32)
    for page in range(0, tl.minimum(PAGES, tl.cdiv(end - begin, BLOCK_N))):
        place = ((page * rows + row).to(tl.int64) * query_heads + head) * splits + split
        cell = pages + place * (LATENT + 3)
        part = tl.load(cell + latent)
        part_sum = tl.load(cell + LATENT)
        part_max = tl.load(cell + LATENT + 1)
        new_max = tl.maximum(part_max, running_max)
        decay = tl.exp(running_max - new_max)
        factor = tl.exp(part_max - new_max)
        accumulator = accumulator * decay + factor * part
        running_sum = running_sum * decay + factor * part_sum
        running_max = new_max

    cell = ((row.to(tl.int64) * query_heads + head) * splits + split) * (LATENT + 1)
    tl.store(partial + cell + latent, accumulator / running_sum)
    tl.store(partial + cell + LATENT, running_max + tl.log(running_sum))
