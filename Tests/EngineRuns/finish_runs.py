"""Makes what `record_vllm.py` wrote into files as `traces/h200` has them.

    python finish_runs.py FOLDER_OF_RUNS --reprise .build/release/reprise --machine 2 --date 2026-11-24 --driver 580.159.04 --output traces/h200

Adds to each trace's header what the recorder cannot know, and puts the callers' moments of sending on the trace's
clock. Needs the program `zstd`.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

RULES = {
    "vllm-default": "split-KV (16 segments) iff every row is one token and rows (padded to the capture size) <= 16",
    "always-2d": "split-KV never",
    "flash-attention-3": None,
}


def finish(reprise, trace, output, added):
    """Writes the trace with a fuller header; its header and its requests."""
    model_and_workload, policy = trace.stem.rsplit(".", 1)
    text = subprocess.run([reprise, "trace", "export", trace, "--format", "steps-jsonl"], check=True, capture_output=True, text=True).stdout
    lines = text.splitlines()
    header = json.loads(lines[0])
    header |= added | {"weights": "random", "selection_policy": policy, "workload": model_and_workload.removeprefix(header["model"]["name"] + "-")}
    if RULES[policy]:
        header["selection_rule"] = RULES[policy]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as log:
        log.write("\n".join([json.dumps(header), *lines[1:]]) + "\n")
        log.flush()
        destination = output / trace.name
        destination.unlink(missing_ok=True)
        subprocess.run([reprise, "record", log.name, "--output", destination], check=True)
    return header, [record for record in map(json.loads, lines[1:]) if record["kind"] == "request"]


def finish_client(log, output, header, requests):
    """Writes the callers' log with the trace's numbers, and moments of sending on its clock.

    Requests sent at once may be scheduled in another order: each takes the nearest caller that got as many tokens.
    """
    zero = header["time_zero_unix_us"] / 1e6
    callers = [json.loads(line) for line in log.read_text().splitlines()]
    text = ""
    for request in requests:
        same = (caller for caller in callers if len(caller["tokens"]) == request["output_tokens"])
        caller = min(same, key=lambda caller: abs(caller["send_unix"] - zero - request["arrival"]))
        callers.remove(caller)
        record = {"kind": "client", "id": request["id"], "send": round(caller["send_unix"] - zero, 6), "tokens": caller["tokens"]}
        text += json.dumps(record, separators=(",", ":")) + "\n"
    if callers:
        raise SystemExit(f"{log}: {len(callers)} callers have no request in the trace")
    subprocess.run(["zstd", "-19", "-q", "-f", "-o", output / (log.name + ".zst")], input=text.encode(), check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--reprise", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--machine", type=int, required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--driver", required=True)
    arguments = parser.parse_args()
    added = {"machine": arguments.machine, "recorded": arguments.date, "driver": arguments.driver}
    for log in sorted(arguments.runs.glob("**/*.client.jsonl")):
        trace = log.with_name(log.name.removesuffix(".client.jsonl") + ".reprise")
        finish_client(log, arguments.output, *finish(arguments.reprise, trace, arguments.output, added))
        print(trace.stem)


if __name__ == "__main__":
    main()
