"""Shows what it costs a long sequence to share an SM with another in Triton's 2D attention.

    python3 analysis/placement.py --reprise .build/release/reprise

One CTA works on one sequence and one KV head, and the hardware deals CTAs to SMs (`traces/h200/cta-placement.jsonl`). Decode
steps of the committed recordings, by whether any CTA of the longest sequence shares its SM with one of a sequence at
least half as long: their GPU times in milliseconds, of steps whose longest sequences are alike.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path

TRACES = Path(__file__).resolve().parent.parent / "traces" / "h200"
BLOCK_TOKENS = 16  # Query tokens times heads that one CTA takes.
LONGEST = range(29_300, 29_500)


def placements():
    """By the number of CTAs of a launch, the SM of each."""
    lines = (TRACES / "cta-placement.jsonl").read_text().splitlines()
    return {launch["ctas"]: launch["sms"] for launch in map(json.loads, lines)}


def sequences_beside(lengths, padded, model, launches):
    """The sequences of which a CTA shares its SM with one of the longest sequence's, itself among them if two of its own do."""
    tokens = BLOCK_TOKENS // (model["num_query_heads"] // model["num_kv_heads"])
    blocks = padded // tokens + padded
    sms = launches[blocks * model["num_kv_heads"]]
    own = [{sms[row + row // tokens + head * blocks] for head in range(model["num_kv_heads"])} for row in range(len(lengths))]
    longest = lengths.index(max(lengths))
    meets_itself = len(own[longest]) < model["num_kv_heads"]
    return [row for row in range(len(lengths)) if own[row] & own[longest] and (row != longest or meets_itself)]


def decode_steps(reprise, trace, launches):
    """By graph size: GPU times of the trace's steps in the 2D kernel, apart and shared."""
    text = subprocess.run([reprise, "trace", "export", trace, "--format", "steps-jsonl"], check=True, capture_output=True, text=True).stdout
    header, *records = map(json.loads, text.splitlines())
    found = {}
    for record in records:
        batch = record.get("batch", [])
        lengths = [computed + query for _, computed, query in batch]
        # vLLM's default splits up to 16 sequences.
        if len(batch) <= 16 or "gpu_ms" not in record or any(query > 1 for _, _, query in batch) or max(lengths) not in LONGEST:
            continue
        padded = min(size for size in header["cuda_graph_capture_sizes"] if size >= len(batch))
        beside = sequences_beside(lengths, padded, header["model"], launches)
        shares = any(2 * lengths[row] >= max(lengths) for row in beside)
        found.setdefault(padded, ([], []))[shares].append(record["gpu_ms"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    options = parser.parse_args()
    print("| recording | graph | alone on its SM: steps | median | middle half | shared: steps | median | middle half |")
    print("|---|---|---|---|---|---|---|---|")
    launches = placements()
    for trace in sorted(TRACES.glob("*long-8*.reprise")):
        if "flash" in trace.name:
            continue
        for padded, ways in sorted(decode_steps(options.reprise, trace, launches).items()):
            cells = []
            for times in ways:
                if len(times) < 4:
                    cells.append(f"{len(times)} | – | –")
                    continue
                low, middle, high = statistics.quantiles(times, n=4)
                cells.append(f"{len(times)} | {middle:.2f} | {low:.2f} to {high:.2f}")
            print(f"| {trace.stem.removeprefix('mistral-small-24b-')} | {padded} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
