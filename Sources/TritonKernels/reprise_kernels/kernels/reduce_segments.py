"""Joins the segments of `unified_attention` into the output.

Grid: (tokens, query heads). Segments that had no tile were not written, and are not read: their
number follows from the row's length as it did there. A token without any KV, such as the padding
of a CUDA graph, gets zeros.
"""

import triton
import triton.language as tl

from .row_search import row_of_token

PARAMETERS = {
    "output": "*element:16",
    "segment_output": "*fp32:16",
    "segment_max": "*fp32:16",
    "segment_sum": "*fp32:16",
    "kv_lens": "*i32:16",
    "query_starts": "*i32:16",
    "rows": "i32",
    "output_token_stride": "i64:16",
    "output_head_stride": "i64:16",
}


@triton.jit
def reduce_segments(
    output,
    segment_output,
    segment_max,
    segment_sum,
    kv_lens,
    query_starts,
    rows,
    output_token_stride,
    output_head_stride,
    HEAD_SIZE: tl.constexpr,
    HEAD_PADDED: tl.constexpr,
    TILE: tl.constexpr,
    NUM_SEGMENTS: tl.constexpr,
    BASE_2: tl.constexpr,
):
    token = tl.program_id(0)
    head = tl.program_id(1)
    row = row_of_token(query_starts, token, rows)
    kv_len = tl.load(kv_lens + row)
    tiles_per_segment = tl.cdiv(kv_len, NUM_SEGMENTS * TILE)
    # A padding row has no tiles; the divisor must not become zero for it.
    active = tl.cdiv(kv_len, tl.maximum(tiles_per_segment, 1) * TILE)

    segment = tl.arange(0, NUM_SEGMENTS)
    dimension = tl.arange(0, HEAD_PADDED)
    segment_mask = segment < active
    dimension_mask = dimension < HEAD_SIZE
    cell = (token.to(tl.int64) * tl.num_programs(1) + head) * NUM_SEGMENTS + segment

    maxima = tl.load(segment_max + cell, mask=segment_mask, other=float("-inf"))
    overall_max = tl.max(maxima)
    overall_max = tl.where(overall_max > float("-inf"), overall_max, 0.0)
    if BASE_2:
        factors = tl.exp2(maxima - overall_max)
    else:
        factors = tl.exp(maxima - overall_max)
    sums = tl.load(segment_sum + cell, mask=segment_mask, other=0.0)
    total = tl.sum(sums * factors)

    parts = tl.load(
        segment_output + cell[:, None] * HEAD_PADDED + dimension[None, :],
        mask=segment_mask[:, None] & dimension_mask[None, :],
        other=0.0,
    )
    joined = tl.sum(parts * factors[:, None], axis=0)
    result = tl.where(total == 0.0, 0.0, joined / total)
    tl.store(
        output
        + token.to(tl.int64) * output_token_stride
        + head * output_head_stride
        + dimension,
        result,
        mask=dimension_mask,
    )
