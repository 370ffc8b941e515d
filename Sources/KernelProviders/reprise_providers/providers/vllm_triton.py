"""vLLM's unified Triton attention, in 2D and as split-KV in 16 segments with its reduction."""

from . import Unsuited

PACKAGE = "vllm"
SEGMENTS = 16
# vLLM runs split-KV on single tokens; the segments of more would not fit its scratch.
SPLIT_QUERY_MAX = 8


def attention(inputs, **split):
    import inspect

    import torch
    from vllm.v1.attention.ops.triton_unified_attention import unified_attention

    batch = inputs.batch
    if batch.is_latent:
        raise Unsuited("a latent cache")
    # A tensor: what layers without a quantised cache pass.
    one = torch.ones((), device=inputs.query.device)
    arguments = {
        "q": inputs.query,
        "k": inputs.key_cache,
        "v": inputs.value_cache,
        "out": inputs.output,
        "cu_seqlens_q": inputs.query_starts,
        "max_seqlen_q": max(batch.query_lens, default=1),
        "seqused_k": inputs.kv_lens,
        "max_seqlen_k": max(batch.kv_lens, default=1),
        "softmax_scale": inputs.scale,
        "causal": True,
        "window_size": (-1, -1),
        "softcap": 0,
        "q_descale": None,
        "k_descale": one,
        "v_descale": one,
        **split,
    }
    # Releases differ in what they take; what one does not know it does not need.
    known = inspect.signature(unified_attention).parameters
    arguments = {name: value for name, value in arguments.items() if name in known}

    def launch(pool):
        unified_attention(block_table=inputs.tables[pool], **arguments)

    return launch


def split(inputs):
    import torch

    batch = inputs.batch
    if batch.is_latent or max(batch.query_lens, default=1) > SPLIT_QUERY_MAX:
        raise Unsuited("split-KV runs rows of few tokens alone")
    width = 1 << (batch.head_size - 1).bit_length()
    sizes = (batch.tokens, batch.query_heads, SEGMENTS)
    device = inputs.query.device
    return attention(
        inputs,
        seq_threshold_3D=batch.rows,
        num_par_softmax_segments=SEGMENTS,
        softmax_segm_output=torch.empty(*sizes, width, device=device),
        softmax_segm_max=torch.empty(sizes, device=device),
        softmax_segm_expsum=torch.empty(sizes, device=device),
    )


VARIANTS = {"triton-2d": attention, f"triton-3d-{SEGMENTS}": split}
