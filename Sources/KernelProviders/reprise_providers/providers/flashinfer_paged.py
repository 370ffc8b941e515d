"""FlashInfer's paged attention: decode for single tokens, prefill for longer rows, as vLLM calls it.

Planned once, outside the timing, as an engine plans once for all layers of a step.
"""

from functools import cache

from . import Unsuited

PACKAGE = "flashinfer-python"
WORKSPACE_BYTES = 384 << 20


@cache
def workspace(device):
    """Room for the partial results of split rows; calls follow one another, so copies share it."""
    import torch

    return torch.zeros(WORKSPACE_BYTES, dtype=torch.uint8, device=device)


@cache
def wrapper(kind, device, number):
    """What holds a plan: one for each copy of the KV, planned anew for every batch."""
    import flashinfer

    if kind == "decode":
        return flashinfer.BatchDecodeWithPagedKVCacheWrapper(
            workspace(device), "NHD", use_tensor_cores=True
        )
    return flashinfer.BatchPrefillWithPagedKVCacheWrapper(workspace(device), "NHD")


def attention(inputs):
    import torch

    batch = inputs.batch
    if batch.is_latent:
        raise Unsuited("a latent cache")
    counts = [-(-length // batch.block_size) for length in batch.kv_lens]
    starts = [0, *torch.tensor(batch.query_lens).cumsum(0).tolist()]
    rows = range(len(counts))
    # Decodes and prefills go to kernels of their own; an engine orders the batch so.
    decodes = [row for row in rows if batch.query_lens[row] == 1]
    prefills = [row for row in rows if batch.query_lens[row] > 1]
    parts = []
    for chosen, plan in ((decodes, plan_decode), (prefills, plan_prefill)):
        if chosen:
            tokens = [t for row in chosen for t in range(starts[row], starts[row + 1])]
            index = torch.tensor(tokens, device=inputs.query.device)
            whole = len(tokens) == starts[-1]
            query = inputs.query[: starts[-1]] if whole else inputs.query[index]
            output = inputs.output[: starts[-1]] if whole else torch.empty_like(query)
            planned = [
                plan(inputs, chosen, counts, number) for number in range(len(inputs.tables))
            ]
            parts.append((planned, query, output, None if whole else index))

    def launch(pool):
        for planned, query, output, index in parts:
            planned[pool].run(query, inputs.cache, out=output)
            if index is not None and not torch.cuda.is_current_stream_capturing():
                # In an engine the rows lie in this order already; the copy is no part of the time.
                inputs.output[index] = output

    return launch


def pages(inputs, chosen, counts, table):
    """Index starts, block indices and tokens in the last block of the chosen rows."""
    import torch

    batch = inputs.batch
    starts = torch.tensor([0, *[counts[row] for row in chosen]]).cumsum(0).to(torch.int32)
    indices = torch.cat([table[row, : counts[row]] for row in chosen])
    lens = torch.tensor([batch.kv_lens[row] for row in chosen])
    last = ((lens - 1) % batch.block_size + 1).to(torch.int32)
    return starts, indices, last


def plan_decode(inputs, chosen, counts, number):
    batch = inputs.batch
    planned = wrapper("decode", inputs.query.device, number)
    planned.plan(
        *pages(inputs, chosen, counts, inputs.tables[number]),
        batch.query_heads,
        batch.kv_heads,
        batch.head_size,
        batch.block_size,
        q_data_type=inputs.query.dtype,
        kv_data_type=inputs.cache.dtype,
        sm_scale=inputs.scale,
    )
    return planned


def plan_prefill(inputs, chosen, counts, number):
    import torch

    batch = inputs.batch
    planned = wrapper("prefill", inputs.query.device, number)
    lens = [0, *[batch.query_lens[row] for row in chosen]]
    planned.plan(
        torch.tensor(lens).cumsum(0).to(torch.int32),
        *pages(inputs, chosen, counts, inputs.tables[number]),
        batch.query_heads,
        batch.kv_heads,
        batch.head_size,
        batch.block_size,
        causal=True,
        q_data_type=inputs.query.dtype,
        kv_data_type=inputs.cache.dtype,
        sm_scale=inputs.scale,
    )
    return planned


VARIANTS = {"flashinfer": attention}
