"""`reprise record` with engines that still run: the documented examples, and connections that break off."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import reprise_trace

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "Sources/TraceRecorder/README.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("script", EXAMPLES, ids=["pipe", "socket"])
def test_the_documented_example_works_as_written(program, tmp_path, script):
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    (trace,) = tmp_path.rglob("*.reprise")
    assert f"{trace.relative_to(tmp_path)}: whole, 1 requests" in done.stdout


def test_the_pipe_example_says_what_was_generated_and_asked_for(program, tmp_path):
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", EXAMPLES[0]], cwd=tmp_path, env=environment, capture_output=True, check=True)
    requests = reprise_trace.read(tmp_path / "pipe.reprise").requests
    assert (requests.output_tokens.tolist(), requests.output_limit.tolist()) == ([20], [4096])


def lines(name: str, steps: int) -> list[bytes]:
    log = [{"kind": "header", "schema": "engine-step-log/1", "engine": name}]
    log.append({"kind": "request", "id": 0, "arrival": 0.0, "prompt_tokens": 10, "output_tokens": 1000})
    for step in range(steps):
        batch = [[0, 0, 10]] if step == 0 else [[0, 9 + step, 1]]
        log.append({"kind": "step", "step": step, "schedule_start": step / 10, "schedule_end": step / 10, "batch": batch})
    return [json.dumps(line).encode() + b"\n" for line in log]


def test_connections_at_once_in_pieces_and_cut_off(program, reprise, tmp_path):
    listener = subprocess.Popen(
        [program, "record", "--listen", tmp_path / "s", "--output", tmp_path / "traces", "--max-connections", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "s").is_socket() and time.monotonic() < deadline:
        time.sleep(0.02)
    senders = []
    for _ in range(4):
        sender = socket.socket(socket.AF_UNIX)
        sender.connect(str(tmp_path / "s"))
        senders.append(sender)
    texts = [b"".join(lines(f"engine {index}", 40 + index)) for index in range(3)]
    # Three logs in turns, in pieces that end anywhere; the second breaks off within a line.
    texts[1] = texts[1][:-7]
    position = 0
    while any(position < len(text) for text in texts):
        for sender, text in zip(senders, texts):
            sender.sendall(text[position : position + 37])
        position += 37
    for sender in senders:
        sender.close()
    _, errors = listener.communicate(timeout=60)
    # The fourth connection said nothing at all, which is no trace.
    assert listener.returncode == 1 and "1 of 4 connections gave no trace" in errors
    found = {}
    for path in (tmp_path / "traces").glob("*.reprise"):
        reprise("trace", "verify", path)
        trace = reprise_trace.read(path)
        found[trace.header["engine"]] = len(trace.steps)
    assert found == {"engine 0": 40, "engine 1": 40, "engine 2": 42}
    assert "has what precedes it" in errors


@pytest.mark.skipif(not shutil.which("zcat"), reason="zcat is missing")
def test_dynamos_metrics_come_through_a_pipe(program, reprise, tmp_path):
    sample = CHECKOUT / "Tests/TraceImportTests/Fixtures/dynamo_fpm.jsonl"
    subprocess.run(f"gzip -c {sample} > {tmp_path}/a.jsonl.gz", shell=True, check=True)
    script = f"zcat {tmp_path}/a.jsonl.gz | {program} record - --output {tmp_path}/a.reprise"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    reprise("trace", "verify", tmp_path / "a.reprise")
    assert reprise_trace.read(tmp_path / "a.reprise").requests.prompt_tokens.tolist() == [300, 40, 2100, 64, 64, 700]
