"""Takes the GPU's memory step by step, and runs `reprise` in what is left.

    python3 short_memory.py 'PROGRAM measure --rows 2048*16 …' 'PROGRAM replay …' 

The first command is run at every step; when its KV pool has shrunk, and when it has failed for lack of
memory, the others are run too, once each. `{left}` in a command is the step's number of MiB.
"""

import re
import subprocess
import sys

import torch

MIB = 1 << 20
# MiB left: a CUDA context takes some hundreds of them before the pool gets any.
STEPS = [2000, 1200, *range(1000, 380, -24)]
SAID = re.compile(r"shrank|needed for one copy|OUT_OF_MEMORY|measured on|out of memory")


def lines(command, left):
    """What a command says of memory, or its last line; nothing of its times."""
    command = command.replace("{left}", str(left))
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    said = [line for line in result.stderr.splitlines() if SAID.search(line)]
    return result.returncode, said or result.stderr.splitlines()[-1:]


def report(command, left):
    code, said = lines(command, left)
    for line in said:
        print(f"{left} MiB left: {line}")
    print(f"{left} MiB left: exit {code}", flush=True)
    return "\n".join(said)


def main(first, *others):
    held, seen = [], set()
    for left in STEPS:
        free, _ = torch.cuda.mem_get_info()
        if free > left * MIB:
            held.append(torch.empty(free - left * MIB, dtype=torch.uint8, device="cuda"))
        said = report(first, left)
        for kind in ("shrank", "needed for one copy"):
            if kind in said and kind not in seen:
                seen.add(kind)
                for command in others:
                    report(command, left)
        if "OUT_OF_MEMORY" in said:
            break
    print(f"held at last: {sum(len(part) for part in held) // MIB} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
