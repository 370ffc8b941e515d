"""vLLM's own programs read the result files that have the shape of `vllm bench serve --save-detailed`."""

import json

import numpy as np
import pytest

pytest.importorskip("vllm", reason="vLLM is not installed here; .ci/run has it in an environment of its own")
pytest.importorskip("seaborn")

TRACE = "h200/mistral-small-24b-random-qps5.vllm-default.reprise"
RATES = ("1", "2")
POLICIES = ("always-2d", "vllm-0.33")


@pytest.fixture(scope="module")
def results(replay):
    """What `vllm bench serve` would have saved: by rate and policy."""
    folders = {
        rate: replay(TRACE, "--batches", "rescheduled", "--time-scale", rate, policies=",".join(POLICIES)) for rate in RATES
    }
    return {
        (rate, policy): json.loads((folder / f"{policy}.json").read_text())
        for rate, folder in folders.items() for policy in POLICIES
    }


def outputs_of(result):
    from vllm.benchmarks.lib.endpoint_request_func import RequestFuncOutput

    columns = ("start_times", "ttfts", "itls", "input_lens", "output_lens", "errors")
    for start, ttft, itl, prompt, output, error in zip(*(result[name] for name in columns), strict=True):
        yield RequestFuncOutput(
            success=not error, latency=ttft + sum(itl), output_tokens=output, ttft=ttft, itl=itl, prompt_len=prompt,
            start_time=start)  # fmt: skip


def test_its_own_formulas_give_our_figures(results):
    from vllm.benchmarks.serve import calculate_metrics

    for result in results.values():
        outputs = list(outputs_of(result))
        metrics, lengths = calculate_metrics(
            [], outputs, result["duration"], None, [50, 90, 95, 99], {})
        assert lengths == result["output_lens"]
        assert (metrics.completed, metrics.total_input, metrics.total_output) == (
            result["completed"], result["total_input_tokens"], result["total_output_tokens"])
        for name in ("request_throughput", "output_throughput", "total_token_throughput"):
            assert getattr(metrics, name) == pytest.approx(result[name])
        for latency in ("ttft", "tpot", "itl", "e2el"):
            for figure in ("mean", "median", "std"):
                name = f"{figure}_{latency}_ms"
                assert getattr(metrics, name) == pytest.approx(result[name], rel=1e-6), name
            for percentile, value in getattr(metrics, f"percentiles_{latency}_ms"):
                assert value == pytest.approx(result[f"p{percentile:g}_{latency}_ms"], rel=1e-6)


def test_its_sweep_plots_draw_them(results, tmp_path, capsys):
    from vllm.benchmarks.sweep import plot, plot_pareto

    (tmp_path / "summary.json").write_text(json.dumps(list(results.values())))
    plot.plot(
        tmp_path, tmp_path / "figures", [], [], [], ["label"], var_x="request_rate", var_y="mean_itl_ms",
        filter_by=plot.PlotFilters.parse_str(""), bin_by=plot.PlotBinners.parse_str(""), scale_x=None, scale_y=None,
        dry_run=False, fig_dpi=60)  # fmt: skip
    (picture,) = (tmp_path / "figures").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 5_000
    plot_pareto.plot_pareto(tmp_path, "request_rate", None, ["label"], dry_run=False)
    assert f"Plotted {len(results)} points" in capsys.readouterr().out
    assert list((tmp_path / "pareto").glob("*.png"))


def test_its_timeline_shows_every_token(results):
    from vllm.benchmarks.plot import construct_timeline_data

    result = results[RATES[0], POLICIES[0]]
    requests = [
        {"start_time": o.start_time, "ttft": o.ttft, "itl": o.itl, "latency": o.latency, "prompt_len": o.prompt_len,
         "output_tokens": o.output_tokens} for o in outputs_of(result)]  # fmt: skip
    segments = construct_timeline_data(requests, [0.025, 0.05], ["short", "middle", "long"])
    gaps = np.concatenate([o["itl"] for o in requests])
    counts = {kind: sum(s["type"] == kind for s in segments) for kind in ("TTFT", "short", "middle", "long")}
    assert counts == {
        "TTFT": len(requests), "short": (gaps < 0.025).sum(), "middle": ((gaps >= 0.025) & (gaps < 0.05)).sum(),
        "long": (gaps >= 0.05).sum()}  # fmt: skip
