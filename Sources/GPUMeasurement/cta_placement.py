"""Finds which SM each CTA of a launch goes to, for launches of up to five CTAs an SM.

    python3 Sources/GPUMeasurement/cta_placement.py > cta-placement.jsonl

Needs a GPU, torch and triton. Prints a line for each number of CTAs, which `reprise calibrate` takes beside kernel logs:

    {"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":160,"sms":[124,125,…]}

The place of a CTA depends on the number of CTAs alone, not on the shape of the grid. Each launch is a node of a CUDA graph
behind a matrix product, as attention is in an engine's step. Numbers of SMs change from launch to launch; which CTAs
share an SM does not, and a launch in which it does is an error.
"""

import argparse
import json
import sys

import torch
import triton
import triton.language as tl

# Query blocks of full graphs (rows in steps of 8, and a quarter or half as many more) times 8 KV heads or 4.
STEPS = [40, 48]
CTAS_PER_SM = 5
REPLAYS = 4
# Long beside the launch of all CTAs, so that none ends before the last begins.
CYCLES = 200_000


@triton.jit
def note_place(sms, cycles):
    cta = tl.program_id(0)
    place = tl.inline_asm_elementwise("mov.u32 $0, %smid;", "=r,r", [cta], dtype=tl.int32, is_pure=False, pack=1)
    tl.store(sms + cta, place)
    start = tl.inline_asm_elementwise("mov.u64 $0, %clock64;", "=l,r", [cta], dtype=tl.int64, is_pure=False, pack=1)
    now = start
    while now - start < cycles:
        now = tl.inline_asm_elementwise("mov.u64 $0, %clock64;", "=l,r", [cta], dtype=tl.int64, is_pure=False, pack=1)


def places(ctas, left, right):
    """SMs of the CTAs, in each of some replays behind a product of `left` and `right`."""
    sms = torch.empty(ctas, dtype=torch.int32, device="cuda")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        left @ right
        note_place[(ctas,)](sms, CYCLES, num_warps=4)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            left @ right
            note_place[(ctas,)](sms, CYCLES, num_warps=4)
        found = []
        for _ in range(REPLAYS):
            sms.fill_(-1)
            graph.replay()
            torch.cuda.synchronize()
            found.append(sms.tolist())
    return found


def sharing(sms):
    """For each CTA, the first one on the same SM."""
    first = {}
    return [first.setdefault(sm, cta) for cta, sm in enumerate(sms)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-size", type=int, default=5120, help="width of the product's input")
    parser.add_argument("--columns", type=int, default=6144, help="and of its output")
    options = parser.parse_args()
    properties = torch.cuda.get_device_properties(0)
    count = properties.multi_processor_count
    right = torch.randn(options.hidden_size, options.columns, device="cuda", dtype=torch.bfloat16)
    # Fewer than SMs have one each.
    numbers = sorted({ctas for step in STEPS for ctas in range(step, CTAS_PER_SM * count + 1, step) if ctas > count})
    for ctas in numbers:
        left = torch.randn(max(1, ctas // 10), options.hidden_size, device="cuda", dtype=torch.bfloat16)
        found = places(ctas, left, right)
        if len({tuple(sharing(sms)) for sms in found}) > 1:
            sys.exit(f"{ctas} CTAs shared SMs in other ways from launch to launch")
        line = {"op": "cta-placement", "gpu": properties.name, "sm_count": count, "ctas": ctas, "sms": found[0]}
        print(json.dumps(line, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
