"""MLA decode, second stage: joins the splits of a row and head, one after the other.

Grid: (rows, query heads). A row without KV gets zeros.
"""

import triton
import triton.language as tl

PARAMETERS = {
    # [rows, query heads, LATENT]
    "output": "*element:16",
    # [rows, query heads, splits, LATENT + 1]
    "partial": "*fp32:16",
    "kv_lens": "*i32:16",
    "splits": "i32",
    "output_row_stride": "i32:16",
    "output_head_stride": "i32:16",
}


@triton.jit
def mla_stage2(
    output,
    partial,
    kv_lens,
    splits,
    output_row_stride,
    output_head_stride,
    LATENT: tl.constexpr,
):
    row = tl.program_id(0)
    head = tl.program_id(1)
    query_heads = tl.num_programs(1)
    kv_len = tl.load(kv_lens + row)
    per_split = tl.cdiv(kv_len, splits)
    latent = tl.arange(0, LATENT)
    base = partial + (row.to(tl.int64) * query_heads + head) * splits * (LATENT + 1)

    running_max = -float("inf")
    running_sum = 0.0
    accumulator = tl.zeros([LATENT], tl.float32)
    for split in range(0, splits):
        begin = per_split * split
        end = tl.minimum(begin + per_split, kv_len)
        if end > begin:
            part = tl.load(base + split * (LATENT + 1) + latent)
            logarithm = tl.load(base + split * (LATENT + 1) + LATENT)
            new_max = tl.maximum(logarithm, running_max)
            decay = tl.exp(running_max - new_max)
            weight = tl.exp(logarithm - new_max)
            accumulator = accumulator * decay + weight * part
            running_sum = running_sum * decay + weight
            running_max = new_max

    # An empty row has summed nothing, and its output is zero rather than 0 / 0.
    divisor = tl.where(running_sum == 0.0, 1.0, running_sum)
    tl.store(
        output + row.to(tl.int64) * output_row_stride + head * output_head_stride + latent,
        accumulator / divisor,
    )
