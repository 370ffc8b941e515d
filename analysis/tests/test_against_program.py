"""The Python reader gives what the program exports, value for value."""

import json
import random
import subprocess
from pathlib import Path

import pytest
import reprise_trace
from reprise_trace import ABSENT, TraceError

CHECKOUT = Path(__file__).resolve().parents[2]

TRACES = sorted((CHECKOUT / "traces").rglob("*.reprise"))
SMALL = CHECKOUT / "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise"
LLAMA = CHECKOUT / "traces/h200/llama-3.1-8b-latency-500-12800.vllm-default.reprise"
RANDOM_LOGS = 20


def exported(program, path):
    done = subprocess.run([program, "trace", "export", path, "--format", "steps-jsonl"], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_same(expected, found):
    for line, (one, other) in enumerate(zip(expected, found), 1):
        assert list(one.items()) == list(other.items()), f"line {line} of the step log"
    assert len(expected) == len(found)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_committed_trace_reads_as_the_program_exports_it(program, path):
    assert_same(exported(program, path), list(reprise_trace.to_step_log(reprise_trace.read(path))))


def test_all_committed_traces_are_found():
    assert len(TRACES) >= 14 and SMALL in TRACES and LLAMA in TRACES


@pytest.mark.parametrize("seed", range(RANDOM_LOGS))
def test_a_random_step_log_comes_back_from_its_trace(program, tmp_path, seed):
    log = random_log(random.Random(seed))
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    path = tmp_path / "log.reprise"
    subprocess.run([program, "record", tmp_path / "log.jsonl", "--output", path], check=True, capture_output=True)
    found = list(reprise_trace.to_step_log(reprise_trace.read(path)))
    assert_same(log, found)
    assert_same(exported(program, path), found)


def random_log(source):
    """What the committed traces lack: gaps, preemption, prefix blocks, free blocks, absent values, several chunks."""
    requests = [
        {"kind": "request", "id": 3 * place + source.randrange(3), "arrival": (place * 1000 + source.randrange(1000)) / 10**6}
        | {"prompt_tokens": source.randrange(1, 3000), "output_tokens": source.randrange(1, 40)}
        | ({"output_limit": source.randrange(40, 5000)} if source.random() < 0.3 else {})
        | {"prefix_blocks": [source.choice((source.randrange(50), source.getrandbits(64))) for _ in range(size)]}
        for place in range(source.randrange(1, 30))
        for size in [source.randrange(1, 6)]
    ]
    ids = [request["id"] for request in requests]
    lines, number, start, output = [{"kind": "header", "schema": "engine-step-log/1", "seed": None}, *requests], 0, 100_000, 0
    computed = dict.fromkeys(ids, 0)
    # A second chunk begins after 8,192 steps; many rows in each take this reader long.
    for _ in range(source.choice((10, 300, 9000 if len(ids) < 9 else 1500))):
        number, start = number + source.choice((1, 1, 1, 5)), start + source.randrange(0, 30_000)
        end = start + source.randrange(0, 500)
        output = max(output, end + source.randrange(0, 50_000))
        line = {"kind": "step", "step": number, "schedule_start": start / 10**6, "schedule_end": end / 10**6}
        optional = {
            "output": output / 10**6, "gpu_ms": source.randrange(10**6) / 10**4, "forward_ms": source.randrange(10**6) / 10**4,
            "waiting": source.randrange(9), "running": source.randrange(99), "free_kv_blocks": source.randrange(9999),
        }  # fmt: skip
        line |= {key: value for key, value in optional.items() if source.random() < 0.9}
        line["batch"] = []
        for request in source.sample(ids, source.randrange(len(ids) + 1)) if source.random() < 0.2 else ids:
            new = source.choice((1, 1, 1, 1, 500))
            line["batch"].append([request, computed[request], new])
            computed[request] = 0 if source.random() < 0.01 else computed[request] + new
        for key in ("preempted", "finished"):
            named = source.sample(ids, source.randrange(len(ids))) if source.random() < 0.1 else []
            line |= {key: named} if named else {}
        lines.append(line)
        if source.random() < 0.02:
            lines.append({"kind": "gap", "after_step": number, "dropped_steps": source.randrange(1, 99)})
            number += 99
    return lines


def test_a_partial_file_reads_up_to_its_last_whole_chunk(tmp_path):
    data, path, whole = LLAMA.read_bytes(), tmp_path / "cut.reprise.partial", reprise_trace.read(LLAMA)
    index = int.from_bytes(data[-24:-16], "little")
    path.write_bytes(data[:index])
    assert_same(list(reprise_trace.to_step_log(whole)), list(reprise_trace.to_step_log(reprise_trace.read_partial(path))))
    with pytest.raises(TraceError):
        reprise_trace.read(path)

    path.write_bytes(data[: index - 1])
    found = list(reprise_trace.to_step_log(reprise_trace.read_partial(path)))
    assert 2 <= len(found) < len(whole.steps)
    assert_same(list(reprise_trace.to_step_log(whole))[: len(found)], found)


def test_every_cut_of_a_partial_file_reads_or_raises_trace_error(tmp_path):
    data, path, counts = SMALL.read_bytes(), tmp_path / "cut.reprise.partial", []
    for size in range(0, len(data), 61):
        path.write_bytes(data[:size])
        try:
            counts.append(len(reprise_trace.read_partial(path).steps))
        except TraceError:
            assert not counts
    assert counts == sorted(counts) and counts[-1] == len(reprise_trace.read(SMALL).steps)


def test_an_absent_value_is_the_sentinel(program, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text(
        '{"kind":"header","schema":"engine-step-log/1"}\n'
        '{"kind":"request","id":7,"arrival":0,"prompt_tokens":4,"output_tokens":3}\n'
        '{"kind":"step","step":0,"schedule_start":0.6,"schedule_end":0.61,"batch":[[7,0,4]]}\n'
    )
    subprocess.run([program, "record", log, "--output", tmp_path / "a.reprise"], check=True, capture_output=True)
    steps = reprise_trace.read(tmp_path / "a.reprise").steps
    for name in ("output", "gpu_time", "forward_time", "waiting", "running", "free_kv_blocks"):
        assert getattr(steps, name).tolist() == [ABSENT]
