"""The part that every MLA decode kernel shares: a walk over tiles of latent KV."""

import triton
import triton.language as tl


@triton.jit
def load_queries(query, heads, head_mask, head_stride, LATENT: tl.constexpr, ROPE: tl.constexpr):
    """The latent and the rope part of a block of heads' queries: [heads, LATENT], [heads, ROPE]."""
    latent = tl.arange(0, LATENT)
    rope = LATENT + tl.arange(0, ROPE)
    base = query + heads[:, None] * head_stride
    q_latent = tl.load(base + latent[None, :], mask=head_mask[:, None], other=0.0)
    q_rope = tl.load(base + rope[None, :], mask=head_mask[:, None], other=0.0)
    return q_latent, q_rope


@triton.jit
def attend_tile(
    accumulator,
    running_max,
    running_sum,
    q_latent,
    q_rope,
    cache,
    table,
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
):
    """One step of the online softmax over the KV positions of a tile below `end`.

    A token's cache entry is its latent vector, which is K's first part and all of V, then its rope
    part. REUSE_KEYS takes V from the tile already read as K; without it, V is read again.
    """
    latent = tl.arange(0, LATENT)
    rope = LATENT + tl.arange(0, ROPE)
    valid = position < end
    block = tl.load(table + position // BLOCK_SIZE, mask=valid, other=0)
    if WIDE_OFFSETS:
        block = block.to(tl.int64)
    at = block * block_stride + (position % BLOCK_SIZE) * slot_stride
    k = tl.load(
        cache + at[None, :] + latent[:, None],
        mask=valid[None, :],
        other=0.0,
        cache_modifier=CACHE_MODIFIER,
    )
    scores = tl.dot(q_latent, k.to(q_latent.dtype))
    k_rope = tl.load(
        cache + at[None, :] + rope[:, None],
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
            cache + at[:, None] + latent[None, :],
            mask=valid[:, None],
            other=0.0,
            cache_modifier=CACHE_MODIFIER,
        )
    new_max = tl.maximum(tl.max(scores, axis=1), running_max)
    # Lanes past the last head see no score; they must not compute inf - inf.
    shift = tl.where(head_mask, new_max, 0.0)
    decay = tl.exp(running_max - shift)
    weights = tl.exp(scores - shift[:, None])
    accumulator *= decay[:, None]
    accumulator += tl.dot(weights.to(v.dtype), v)
    running_sum = running_sum * decay + tl.sum(weights, axis=1)
    return accumulator, new_max, running_sum
