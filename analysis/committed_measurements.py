"""The committed measurements as imports of one store: this project's kernels, and FlashAttention 3.

The latter's calls stand in a kernel log, written by a benchmark of vLLM's kernels; here they get the form
in which a provider of kernels exports them.
"""

import json
from pathlib import Path

OWN = "measurements.jsonl.zst"
# What providers measured of packages' kernels, where there is such an export.
PROVIDED = "providers.jsonl.zst"
LOG = "kernels.jsonl"
COLUMN = "flash-attention-3"
CALL = {
    "gpu": "NVIDIA H200", "sm_count": 132, "driver": "580", "kernel_image": "vllm 0.24.0",
    "variant": "vllm-0.24.0/flash-attention-3", "cache": "cold", "in_graph": True,
    "status": "complete",
}
GEOMETRY = "attention/1 type=bf16 query_heads=32 kv_heads=8 head=128 block=16"
DATE = "2026-11-21T00:00:00Z"


def import_arguments(traces, folder):
    """Options of `reprise measure`, for files in `traces` and one written into `folder`."""
    log = Path(folder) / "flash-attention-3.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in logged_calls(traces / LOG)))
    files = [traces / OWN, log] + [path for path in [traces / PROVIDED] if path.exists()]
    return [word for path in files for word in ("--import", path)]


def logged_calls(path):
    """Lines of an export for the log's cold calls of FlashAttention 3."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        time = row.get("microseconds", {}).get(COLUMN)
        if row["op"] != "paged-attention" or row["group"] == "warm" or time is None:
            continue
        rows = ",".join(
            str(kv) if query == 1 else f"{query}/{kv}"
            for query, kv in zip(row["query_lens"], row["kv_lens"]))
        yield CALL | {
            "batch": f"{GEOMETRY} padded={len(row['kv_lens'])} rows={rows}",
            "sample_sets": [{"date": DATE, "ns": [round(1000 * time)]}],
        }
