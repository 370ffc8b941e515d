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

TIMES = {"arrival", "schedule_start", "schedule_end", "output"}


def read_trace(reprise, trace):
    """The records of a trace, its header first."""
    text = subprocess.run([reprise, "trace", "export", trace, "--format", "steps-jsonl"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def from_first_arrival(records):
    """The records with times that count from the first request's arrival; the recorder's count from when it was opened."""
    zero = min(record["arrival"] for record in records if record["kind"] == "request")
    records[0]["time_zero_unix_us"] += round(zero * 1e6)
    for record in records:
        for column in TIMES & record.keys():
            record[column] = round(record[column] - zero, 6)
    return records


def callers_of(records, log):
    """The callers' records by the trace's numbers of their requests.

    Requests sent at once may be scheduled in another order: each takes the nearest caller that got as many tokens.
    """
    zero = records[0]["time_zero_unix_us"] / 1e6
    callers = [json.loads(line) for line in log.read_text().splitlines()]
    found = {}
    for request in (record for record in records if record["kind"] == "request"):
        same = (caller for caller in callers if len(caller["tokens"]) == request["output_tokens"])
        caller = min(same, key=lambda caller: abs(caller["send_unix"] - zero - request["arrival"]))
        callers.remove(caller)
        found[request["id"]] = {"kind": "client", "id": caller["id"], "send": round(caller["send_unix"] - zero, 6), "tokens": caller["tokens"]}
    if callers:
        raise SystemExit(f"{log}: {len(callers)} callers have no request in the trace")
    return found


def renumbered(records, numbers):
    """The records with requests numbered as their callers are, so that runs of a workload number them alike."""
    requests = [record | {"id": numbers[record["id"]]} for record in records if record["kind"] == "request"]
    yield from sorted(requests, key=lambda record: record["id"])
    for record in records:
        if record["kind"] == "step":
            record["batch"] = [[numbers[row[0]], *row[1:]] for row in record["batch"]]
            for column in ("preempted", "finished"):
                if column in record:
                    record[column] = [numbers[number] for number in record[column]]
            yield record


def finish(reprise, trace, log, output, added):
    """Writes a trace with a fuller header and the log of its callers."""
    model_and_workload, policy = trace.stem.rsplit(".", 1)
    header, *records = from_first_arrival(read_trace(reprise, trace))
    callers = callers_of([header, *records], log)
    header |= added | {"weights": "random", "selection_policy": policy, "workload": model_and_workload.removeprefix(header["model"]["name"] + "-")}
    if RULES[policy]:
        header["selection_rule"] = RULES[policy]
    kinds = {record["kind"] for record in records}
    if not kinds <= {"request", "step"}:
        raise SystemExit(f"{trace}: has {kinds}")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        numbers = {number: caller["id"] for number, caller in callers.items()}
        file.writelines(json.dumps(record) + "\n" for record in (header, *renumbered(records, numbers)))
        file.flush()
        destination = output / trace.name
        destination.unlink(missing_ok=True)
        subprocess.run([reprise, "record", file.name, "--output", destination], check=True)
    lines = sorted(callers.values(), key=lambda caller: caller["id"])
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
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
        finish(arguments.reprise, trace, log, arguments.output, added)
        print(trace.stem)


if __name__ == "__main__":
    main()
