"""The part that every MLA decode kernel shares: a walk over tiles of latent KV."""

import triton
import triton.language as tl


# More lanes than any launch has. vLLM's kernel masks by the number of heads, a constant there; such a
# comparison, though always true here, decides in which order a tile's block numbers and entries are
# loaded, and so how many times in a row a tile waits for memory.
LANES_LIMIT = tl.constexpr(1 << 16)


@triton.jit
def heads_of_program(program, query_heads, BLOCK_H: tl.constexpr):
    """The heads of a program's lanes, and a mask that holds for all.

    Lanes past the last head repeat it: they read what it reads and write what it writes.
    """
    lane = program * BLOCK_H + tl.arange(0, BLOCK_H)
    return tl.minimum(lane, query_heads - 1), lane < LANES_LIMIT


@triton.jit
def load_queries(
    query,
    row,
    heads,
    head_mask,
    row_stride,
    head_stride,
    LATENT: tl.constexpr,
    ROPE: tl.constexpr,
):
    """The latent and the rope part of a block of heads' queries: [heads, LATENT], [heads, ROPE]."""
    latent = tl.arange(0, LATENT)
    rope = LATENT + tl.arange(0, ROPE)
    base = row * row_stride + heads[:, None] * head_stride
    mask = head_mask[:, None]
    q_latent = tl.load(
        query + (base + latent[None, :]), mask=mask, other=0.0, cache_modifier=".ca"
    )
    q_rope = tl.load(query + (base + rope[None, :]), mask=mask, other=0.0, cache_modifier=".ca")
    return q_latent, q_rope


@triton.jit
def entry_columns(
    program,
    query_heads,
    slot_stride,
    LATENT: tl.constexpr,
    ROPE: tl.constexpr,
    BLOCK_H: tl.constexpr,
):
    """Where an entry's elements lie behind its beginning, in the parts that a tile is read in.

    vLLM's kernel allows for several KV heads; the only one of a latent cache is number 0, which the
    compiler cannot know. Adding its place makes loads come in the same order as there.
    """
    kv_head_at = program // tl.cdiv(query_heads, BLOCK_H) * slot_stride
    latent_column = kv_head_at + tl.arange(0, LATENT)[:, None]
    return latent_column, kv_head_at + (LATENT + tl.arange(0, ROPE))[:, None]


@triton.jit
def attend_tile(
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
    position,
    end,
    head_mask,
    scale,
    block_stride,
    slot_stride,
    LATENT: tl.constexpr,
    ROPE: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
    REUSE_KEYS: tl.constexpr,
    WIDE_OFFSETS: tl.constexpr,
    CACHE_MODIFIER: tl.constexpr,
    TABLE_MODIFIER: tl.constexpr,
):
    """One step of the online softmax over the KV positions of a tile below `end`.

    A token's cache entry is its latent vector, which is K's first part and all of V, then its rope
    part. REUSE_KEYS takes V from the tile already read as K; without it, V is read again.
    """
    latent = tl.arange(0, LATENT)
    valid = position < end
    block = tl.load(
        block_table + table_at + position // BLOCK_SIZE,
        mask=valid,
        other=0,
        cache_modifier=TABLE_MODIFIER,
    )
    if WIDE_OFFSETS:
        block = block.to(tl.int64)
    at = block * block_stride + (position % BLOCK_SIZE) * slot_stride
    k = tl.load(
        cache + (at[None, :] + latent_column),
        mask=valid[None, :],
        other=0.0,
        cache_modifier=CACHE_MODIFIER,
    )
    scores = tl.dot(q_latent, k.to(q_latent.dtype))
    k_rope = tl.load(
        cache + (at[None, :] + rope_column),
        mask=valid[None, :],
        other=0.0,
        cache_modifier=CACHE_MODIFIER,
    )
    scores += tl.dot(q_rope, k_rope.to(q_rope.dtype))
    scores *= scale
    scores = tl.where(head_mask[:, None] & valid[None, :], scores, float("-inf"))
    if REUSE_KEYS:
        v = tl.trans(k)
    else:
        v = tl.load(
            cache + (at[:, None] + latent[None, :]),
            mask=valid[:, None],
            other=0.0,
        )
    # Every tile has a position below `end`, so that no maximum is of nothing.
    new_max = tl.maximum(tl.max(scores, axis=1), running_max)
    decay = tl.exp(running_max - new_max)
    weights = tl.exp(scores - new_max[:, None])
    accumulator *= decay[:, None]
    accumulator += tl.dot(weights.to(v.dtype), v)
    running_sum = running_sum * decay + tl.sum(weights, axis=1)
    return accumulator, new_max, running_sum
