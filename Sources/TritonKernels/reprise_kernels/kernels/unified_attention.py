"""Paged attention for rows of any query length: prefill chunks and decode rows in one batch.

One program serves BLOCK_Q consecutive tokens of one row for all query heads that share a KV head:
these RATIO heads are packed into the BLOCK_M rows of one matrix product, so that a KV tile is read
once for all of them. With NUM_SEGMENTS == 1 ("2D") it walks all KV tiles of its row and writes the
output. With more ("3D") program_id(2) picks a part of the tiles, and `reduce_segments` joins them.

Grid: (tokens // BLOCK_Q + rows, KV heads, NUM_SEGMENTS).
"""

import triton
import triton.language as tl

from .row_search import row_of_query_block

PARAMETERS = {
    # [tokens, query heads, head]; written by 2D alone.
    "output": "*element:16",
    # [tokens, query heads, NUM_SEGMENTS, HEAD_PADDED], not divided by the sum; 3D alone.
    "segment_output": "*fp32:16",
    # [tokens, query heads, NUM_SEGMENTS]; 3D alone.
    "segment_max": "*fp32:16",
    "segment_sum": "*fp32:16",
    # [tokens, query heads, head]
    "query": "*element:16",
    # [blocks, BLOCK_SIZE, KV heads, head] by the strides below; the head's stride is 1.
    "key_cache": "*element:16",
    "value_cache": "*element:16",
    # [rows, anything]: the cache block of each BLOCK_SIZE tokens of a row.
    "block_table": "*i32:16",
    # [rows]: tokens in the cache, the new ones included.
    "kv_lens": "*i32:16",
    # [rows + 1]: first token of each row.
    "query_starts": "*i32:16",
    "scale": "fp32",
    "rows": "i32",
    # Strides in elements.
    "query_token_stride": "i64:16",
    "query_head_stride": "i64:16",
    "output_token_stride": "i64:16",
    "output_head_stride": "i64:16",
    "block_table_stride": "i64",
    "key_block_stride": "i64:16",
    "key_slot_stride": "i64:16",
    "key_head_stride": "i64:16",
    "value_block_stride": "i64:16",
    "value_slot_stride": "i64:16",
    "value_head_stride": "i64:16",
}

LOG2_E = tl.constexpr(1.4426950408889634)
# More query heads than any launch has. vLLM's kernel compares with the number of heads, which is a
# constant there. The comparison is always true and costs registers: with 16-token tiles 88 rather
# than 80, and so five programs a multiprocessor rather than six, which decides the time of split-KV.
HEADS_LIMIT = tl.constexpr(1024)


@triton.jit
def unified_attention(
    output,
    segment_output,
    segment_max,
    segment_sum,
    query,
    key_cache,
    value_cache,
    block_table,
    kv_lens,
    query_starts,
    scale,
    rows,
    query_token_stride,
    query_head_stride,
    output_token_stride,
    output_head_stride,
    block_table_stride,
    key_block_stride,
    key_slot_stride,
    key_head_stride,
    value_block_stride,
    value_slot_stride,
    value_head_stride,
    HEAD_SIZE: tl.constexpr,
    HEAD_PADDED: tl.constexpr,
    RATIO: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
    BLOCK_M: tl.constexpr,
    TILE: tl.constexpr,
    NUM_SEGMENTS: tl.constexpr,
    # A tile is one cache block, found by one scalar load and read whole; the cache must then hold
    # finite values in the unused end of a row's last block.
    TILE_IS_BLOCK: tl.constexpr,
    # Leave out the tiles that lie after the last query token of this program.
    CAUSAL_SKIP: tl.constexpr,
    # Exponentials to base 2, with log2(e) folded into the scale.
    BASE_2: tl.constexpr,
    CACHE_MODIFIER: tl.constexpr,
):
    BLOCK_Q: tl.constexpr = BLOCK_M // RATIO
    query_block = tl.program_id(0)
    kv_head = tl.program_id(1)
    query_heads = tl.num_programs(1) * RATIO

    row = row_of_query_block(query_starts, query_block, rows, BLOCK_Q)
    row_start = tl.load(query_starts + row)
    query_len = tl.load(query_starts + row + 1) - row_start
    block_in_row = query_block - (row_start // BLOCK_Q + row)
    if block_in_row * BLOCK_Q >= query_len:
        return
    kv_len = tl.load(kv_lens + row)

    if NUM_SEGMENTS > 1:
        segment = tl.program_id(2)
        tiles_per_segment = tl.cdiv(kv_len, NUM_SEGMENTS * TILE)
        if segment * tiles_per_segment * TILE >= kv_len:
            return

    lane = tl.arange(0, BLOCK_M)
    dimension = tl.arange(0, HEAD_PADDED)
    slot = tl.arange(0, TILE)
    position = block_in_row * BLOCK_Q + lane // RATIO
    # Where the ratio does not divide BLOCK_M, the lanes left over compute what the next program does.
    token = row_start + position
    head = kv_head * RATIO + lane % RATIO
    token_mask = position < query_len
    head_mask = head < HEADS_LIMIT
    dimension_mask = dimension < HEAD_SIZE

    query_offset = (
        token[:, None] * query_token_stride
        + head[:, None] * query_head_stride
        + dimension[None, :]
    )
    q = tl.load(
        query + query_offset,
        mask=dimension_mask[None, :] & token_mask[:, None] & head_mask[:, None],
        other=0.0,
    )
    table = block_table + row * block_table_stride

    running_max = tl.full([BLOCK_M], float("-inf"), tl.float32)
    # One rather than zero: a row without KV divides nothing by one.
    running_sum = tl.full([BLOCK_M], 1.0, tl.float32)
    accumulator = tl.zeros([BLOCK_M, HEAD_PADDED], tl.float32)

    computed = kv_len - query_len
    kv_end = kv_len
    if CAUSAL_SKIP:
        reach = computed + block_in_row * BLOCK_Q + (BLOCK_M - 1) // RATIO + 1
        kv_end = tl.minimum(reach, kv_len)
    tile_begin = 0
    tile_end = tl.cdiv(kv_end, TILE)
    if NUM_SEGMENTS > 1:
        tile_begin = segment * tiles_per_segment
        tile_end = tl.minimum(tile_begin + tiles_per_segment, tile_end)

    score_scale = scale
    if BASE_2:
        score_scale = scale * LOG2_E

    # Offsets are summed before they meet the pointer, a vector of block numbers is read for each tile,
    # and every product is 64 bits wide: all of it as in vLLM's kernel, so that a tile costs the same
    # instructions.
    for tile in range(tile_begin, tile_end):
        kv_position = tile * TILE + slot
        if TILE_IS_BLOCK:
            block = tl.load(table + tile).to(tl.int64)
            tile_mask = slot < TILE
            slot_in_block = slot.to(tl.int64)
            key_at = (block * key_block_stride + slot_in_block * key_slot_stride)[None, :]
            value_at = (block * value_block_stride + slot_in_block * value_slot_stride)[:, None]
            key_offset = key_at + kv_head * key_head_stride + dimension[:, None]
            value_offset = value_at + kv_head * value_head_stride + dimension[None, :]
        else:
            tile_mask = kv_position < kv_end
            block = tl.load(table + kv_position // BLOCK_SIZE).to(tl.int64)
            value_offset = (
                block[:, None] * value_block_stride
                + kv_head * value_head_stride
                + dimension[None, :]
                + (kv_position % BLOCK_SIZE)[:, None] * value_slot_stride
            )
            key_offset = (
                block[None, :] * key_block_stride
                + kv_head * key_head_stride
                + dimension[:, None]
                + (kv_position % BLOCK_SIZE)[None, :] * key_slot_stride
            )
        k = tl.load(
            key_cache + key_offset,
            mask=dimension_mask[:, None] & tile_mask[None, :],
            other=0.0,
            cache_modifier=CACHE_MODIFIER,
        )
        v = tl.load(
            value_cache + value_offset,
            mask=dimension_mask[None, :] & tile_mask[:, None],
            other=0.0,
            cache_modifier=CACHE_MODIFIER,
        )

        visible = kv_position[None, :] <= computed + position[:, None]
        scores = tl.zeros([BLOCK_M, TILE], tl.float32)
        scores += score_scale * tl.dot(q, k)
        lanes = head_mask[:, None] & token_mask[:, None]
        scores = tl.where(lanes & visible, scores, float("-inf"))

        new_max = tl.maximum(running_max, tl.max(scores, axis=1))
        # A lane that has seen no key yet must not compute inf - inf.
        new_max = tl.where(new_max > float("-inf"), new_max, 0.0)
        if BASE_2:
            weights = tl.exp2(scores - new_max[:, None])
            tile_sum = tl.sum(weights, axis=1)
            decay = tl.exp2(running_max - new_max)
        else:
            weights = tl.exp(scores - new_max[:, None])
            tile_sum = tl.sum(weights, axis=1)
            decay = tl.exp(running_max - new_max)
        running_sum = running_sum * decay + tile_sum
        running_max = new_max
        accumulator = accumulator * decay[:, None]
        accumulator += tl.dot(weights.to(v.dtype), v)

    store_mask = dimension_mask[None, :] & token_mask[:, None] & head_mask[:, None]
    if NUM_SEGMENTS > 1:
        segment_offset = (
            token[:, None].to(tl.int64) * (query_heads * NUM_SEGMENTS * HEAD_PADDED)
            + head[:, None] * (NUM_SEGMENTS * HEAD_PADDED)
            + segment * HEAD_PADDED
            + dimension[None, :]
        )
        cell = token.to(tl.int64) * (query_heads * NUM_SEGMENTS) + head * NUM_SEGMENTS + segment
        tl.store(segment_output + segment_offset, accumulator, mask=store_mask)
        # Where every key was masked, the clamped maximum must not outweigh the other segments'.
        running_max = tl.where(running_sum > 0.0, running_max, float("-inf"))
        tl.store(segment_max + cell, running_max, mask=token_mask & head_mask)
        tl.store(segment_sum + cell, running_sum, mask=token_mask & head_mask)
    else:
        output_offset = (
            token[:, None] * output_token_stride
            + head[:, None] * output_head_stride
            + dimension[None, :]
        )
        tl.store(output + output_offset, accumulator / running_sum[:, None], mask=store_mask)
