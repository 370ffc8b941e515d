"""Prints MLA times as the program carries them, from an export of measurements.

    bash Sources/GPUMeasurement/device-check.sh     # PARTS=latent; leaves RESULTS/latent.jsonl.zst
    python3 analysis/latent_points.py RESULTS/latent.jsonl.zst > Sources/CPublishedFigures/mla-h200.json

Of a variant it takes the lengths at which a rule chose it. `reprise experiment vllm-19774-mla` reads them where there is no GPU.
"""

import argparse
import json
import re
import subprocess

ROW = re.compile(r"attention/1 type=bf16 query_heads=32 kv_heads=1 head=576 block=64 padded=1 rows=(\d+)")
COMMAND = (
    "device-check.sh, part latent: reprise measure --engine (deepseek-v3@nvidia-h200, tensor_parallel 4)"
    " --policy vllm-mla-4-splits,vllm-19774,vllm-mla-0.33,vllm-mla-0.33-eager --rows LENGTH")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", help="what 'reprise measure --export' wrote, .jsonl.zst")
    text = subprocess.run(
        ["zstd", "-dc", parser.parse_args().export], check=True, capture_output=True, text=True).stdout
    points, origins = {}, set()
    for line in map(json.loads, text.splitlines()):
        row = ROW.fullmatch(line["batch"])
        if not row or line["status"] != "complete" or line["cache"] != "cold":
            continue
        samples = line["sample_sets"][-1]
        time = sorted(samples["ns"])[len(samples["ns"]) // 2]
        points.setdefault(line["variant"], []).append([int(row[1]), round(time / 1e3, 2)])
        origins.add((line["gpu"], line["driver"], samples["date"][:10]))
    if len(origins) != 1:
        raise SystemExit(f"one machine, driver and day expected, found {sorted(origins)}")
    gpu, driver, date = origins.pop()
    fields = {
        "what": "one layer's MLA decode attention for one row, KV cold in L2: latent 512 + 64, bf16, KV blocks of 64,"
        " 32 query heads (DeepSeek-V3 over 4 GPUs); medians of CUDA-graph replays of this repository's Triton kernels;"
        " [KV tokens, microseconds]",
        "command": COMMAND, "hardware": gpu, "driver": driver, "date": date, "query_heads": 32}
    print("{")
    for key, value in fields.items():
        print(f"  {json.dumps(key)}: {json.dumps(value)},")
    print('  "points": {')
    def place(name):
        family, splits = name.rsplit("-", 1)
        return family, int(splits)

    order = sorted(points, key=place)
    print(",\n".join(f"    {json.dumps(name)}: {json.dumps(sorted(points[name]))}" for name in order))
    print("  }\n}")


if __name__ == "__main__":
    main()
