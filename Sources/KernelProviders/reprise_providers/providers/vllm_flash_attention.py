"""FlashAttention 3 as vLLM ships and calls it: scheduled ahead, at most 32 splits in graphs."""

from . import Unsuited

PACKAGE = "vllm"
# vLLM's bound on splits of a step that runs in a full CUDA graph; other steps have none (0).
GRAPH_SPLITS = 32


def attention(inputs):
    from vllm.vllm_flash_attn.flash_attn_interface import (
        flash_attn_varlen_func,
        get_scheduler_metadata,
    )

    batch = inputs.batch
    if batch.is_latent:
        raise Unsuited("a latent cache")
    longest = max(batch.kv_lens, default=1)
    longest_query = max(batch.query_lens, default=1)
    splits = GRAPH_SPLITS if batch.is_decode else 0
    plan = get_scheduler_metadata(
        batch_size=batch.rows,
        max_seqlen_q=longest_query,
        max_seqlen_k=longest,
        num_heads_q=batch.query_heads,
        num_heads_kv=batch.kv_heads,
        headdim=batch.head_size,
        cache_seqlens=inputs.kv_lens,
        qkv_dtype=inputs.query.dtype,
        cu_seqlens_q=inputs.query_starts,
        page_size=batch.block_size,
        causal=True,
        num_splits=splits,
    )

    def launch(pool):
        flash_attn_varlen_func(
            q=inputs.query,
            k=inputs.key_cache,
            v=inputs.value_cache,
            out=inputs.output,
            cu_seqlens_q=inputs.query_starts,
            max_seqlen_q=longest_query,
            seqused_k=inputs.kv_lens,
            max_seqlen_k=longest,
            softmax_scale=inputs.scale,
            causal=True,
            block_table=inputs.tables[pool],
            scheduler_metadata=plan,
            num_splits=splits,
            fa_version=3,
        )

    return launch


VARIANTS = {"flash-attention-3": attention}
