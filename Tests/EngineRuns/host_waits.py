"""Where an engine's host stands still: the lines at which its main thread stays, and the allocations made meanwhile."""

import json
import sys
import threading
import time

import torch

EVERY, SHORTEST = 0.001, 0.008
# Counters of the allocators up to then, by which an allocation behind a wait is told.
COUNTERS = {
    "pinned allocations": lambda: torch.cuda.host_memory_stats().get("num_host_alloc", 0),
    "pinned blocks": lambda: torch.cuda.host_memory_stats().get("segment.allocated", 0),
    "device allocations": lambda: torch.cuda.memory_stats().get("num_device_alloc", 0),
    "device frees": lambda: torch.cuda.memory_stats().get("num_device_free", 0),
}


def stack(frame, depth=7):
    """Innermost first: file:line of a frame and of those that called it."""
    lines = []
    while frame and len(lines) < depth:
        lines.append(f"{frame.f_code.co_filename.rsplit('/', 2)[-1]}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return lines


def watch(path):
    """Writes a line for each stay of `SHORTEST` seconds and more, from now until the process ends."""
    main = threading.main_thread().ident

    def run():
        place, since = None, time.time()
        with open(path, "w", buffering=1) as file:
            while True:
                time.sleep(EVERY)
                now = stack(sys._current_frames().get(main))
                if now == place:
                    continue
                moment = time.time()
                if moment - since >= SHORTEST:
                    counts = {name: count() for name, count in COUNTERS.items()}
                    file.write(json.dumps({"unix": round(since, 6), "ms": round(1e3 * (moment - since), 2), **counts, "stack": place}) + "\n")
                place, since = now, moment

    threading.Thread(target=run, daemon=True).start()
