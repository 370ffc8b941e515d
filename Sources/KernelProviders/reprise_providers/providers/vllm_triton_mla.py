"""vLLM's Triton MLA decode: at the splits of its own rule, and at fixed numbers of splits."""

from functools import partial

from . import Unsuited

PACKAGE = "vllm"
# vLLM's rule since 0.19: a split for every 512 tokens, at most two for each multiprocessor.
TOKENS_A_SPLIT, SPLITS_A_MULTIPROCESSOR = 512, 2
# Kept at hand by number: powers of two, and the bound on GPUs of 78, 108, 132 and 148 multiprocessors.
SPLITS = sorted({1 << power for power in range(10)} | {2 * count for count in (78, 108, 132, 148)})
LATENT = 512
# Elements that the kernel's 32-bit offsets reach.
OFFSETS_MAX = (1 << 31) - 1


def ruled_splits(longest, multiprocessors):
    splits = 1 << (max(1, longest // TOKENS_A_SPLIT) - 1).bit_length()
    return min(splits, SPLITS_A_MULTIPROCESSOR * multiprocessors)


def attention(inputs, splits=None):
    import torch
    from vllm.v1.attention.ops.triton_decode_attention import decode_attention_fwd

    batch = inputs.batch
    if not batch.is_latent or not batch.is_decode:
        raise Unsuited("it runs single tokens over a latent cache")
    device = inputs.query.device
    if splits is None:
        processors = torch.cuda.get_device_properties(device).multi_processor_count
        splits = ruled_splits(max(batch.kv_lens, default=1), processors)
    heads = (batch.tokens, batch.query_heads)
    if batch.tokens * batch.query_heads * splits * (LATENT + 1) > OFFSETS_MAX:
        raise Unsuited(f"partial results of {splits} splits beyond its 32-bit offsets")
    sums = torch.zeros(heads, dtype=inputs.query.dtype, device=device)
    partial_outputs = torch.empty(*heads, splits, LATENT + 1, device=device)
    cache = inputs.cache.unsqueeze(2)
    one = torch.ones((), device=device)

    def launch(pool):
        decode_attention_fwd(
            inputs.query,
            cache,
            cache[..., :LATENT],
            inputs.output,
            sums,
            inputs.tables[pool],
            inputs.kv_lens,
            partial_outputs,
            splits,
            inputs.scale,
            batch.block_size,
            k_scale=one,
            v_scale=one,
            is_mla=True,
        )

    return launch


VARIANTS = {"triton-mla": attention} | {
    f"triton-mla-{splits}": partial(attention, splits=splits) for splits in SPLITS
}
