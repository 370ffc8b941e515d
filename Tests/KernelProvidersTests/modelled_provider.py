"""A provider whose times come from a formula: it runs where no GPU is, and shows how one is called.

`modelled_provider.py measure PLAN --store FILE`. A call costs 5 µs and what reading the KV takes at
3 TB/s; the batch's variants are those that the plan names.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Sources" / "KernelProviders"))

from reprise_providers.plan import read_plan  # noqa: E402
from reprise_providers.store import COMPLETE, Key, Machine, Samples, Store  # noqa: E402

MACHINE = Machine("NVIDIA H200", 132, "580.159.04")
BYTES_A_NANOSECOND = 3000


def nanoseconds(batch):
    read = 2 * 2 * sum(batch.kv_lens) * batch.kv_heads * batch.head_size
    scores = sum(q * k for q, k in zip(batch.query_lens, batch.kv_lens)) * batch.query_heads
    return 5000 + read // BYTES_A_NANOSECOND + scores * batch.head_size // 20_000


def main(command, path, option, store_path):
    assert (command, option) == ("measure", "--store")
    plan = read_plan(Path(path))
    store = Store(Path(store_path))
    for planned in plan.batches:
        for variant in planned.variants:
            key = Key(MACHINE, "modelled 1.0", variant, planned.batch.text, plan.cache)
            store.append(key, COMPLETE, Samples([nanoseconds(planned.batch)] * 6, "2026-11-21T10:00:00Z"))
    store.close()
    print(f"{len(plan.batches)} batches")


if __name__ == "__main__":
    main(*sys.argv[1:])
