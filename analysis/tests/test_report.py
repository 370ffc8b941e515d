"""The report draws the numbers of real replays, says the same every time, and refuses what it cannot draw."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import traceback
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.backends.backend_svg  # noqa: F401 - for the copies
import numpy as np
import pandas
import pytest
from reprise_report import statistics

CHECKOUT = Path(__file__).resolve().parents[2]
QPS5 = "h200/mistral-small-24b-random-qps5.vllm-default.reprise"
QPS7 = "h200/mistral-small-24b-random-qps7.vllm-default.reprise"
MOONCAKE = "h200/mistral-small-24b-mooncake-26.vllm-default.reprise"
POLICIES = ["always-2d", "vllm-0.33", "fastest"]


def call(script, *arguments):
    """Runs a program of this folder as its own process: a copy of this one, which has imported pandas and matplotlib."""
    path = str(CHECKOUT / "analysis" / script)
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(printed.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
                sys.argv = [path, *map(str, arguments)]
                runpy.run_path(path, run_name="__main__")
                code = 0
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out, err = (file.seek(0) or file.read().decode() for file in (printed, errors))
    return subprocess.CompletedProcess([path, *arguments], status, out, err)


@pytest.fixture(scope="session")
def drawn(replay, tmp_path_factory):
    """Page, figures and folder of one replay."""
    folder, out = replay(MOONCAKE), tmp_path_factory.mktemp("report")
    done = call("report.py", folder, "--output", out / "report.html", "--figures", out / "figures")
    assert (done.returncode, done.stderr) == (0, "")
    return out, folder


def data(drawn, figure):
    return pandas.read_csv(drawn[0] / "figures" / f"{figure}.csv")


def points(svg, gid):
    """The corners of one line of a picture."""
    group = svg[svg.index(f'id="{gid}"') :]
    path = re.search(r'<path d="([^"]*)"', group).group(1)
    return np.array([[float(x), float(y)] for x, y in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path)])


def test_distributions_are_those_of_the_summary(drawn):
    summary, found = json.loads((drawn[1] / "summary.json").read_text()), data(drawn, "distributions")
    for policy in POLICIES:
        for series, metric in (("TTFT", "ttft_ms"), ("ITL", "itl_ms")):
            line = found[(found.series == series) & (found.policy == policy)]
            expected = summary["policies"][policy][metric]
            assert line.y.iloc[-1] == 1 and line.x.iloc[-1] == pytest.approx(expected["max"])
            # A percentile lies between two neighbouring values, a step of the line apart.
            slack = 1 / expected["count"] + 0.01
            for key, share in (("p50", 0.5), ("p90", 0.9)):
                low, high = line[line.y >= share - slack].x.iloc[0], line[line.y >= share + slack].x.iloc[0]
                assert low * (1 - 1e-9) <= expected[key] <= high * (1 + 1e-9)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_picture_shows_the_numbers(drawn, policy):
    svg = (drawn[0] / "figures" / "distributions.svg").read_text()
    found = data(drawn, "distributions")
    line = found[(found.series == "ITL over time") & (found.policy == policy)]
    corners = points(svg, f"ITL-over-time/{policy}")
    # Both axes are linear: what is drawn is the data but for one scale and one offset, within a point.
    x = np.interp(line.x, [line.x.min(), line.x.max()], corners[[0, -1], 0])
    scale = np.polyfit([line.y.min(), line.y.max()], [corners[:, 1].max(), corners[:, 1].min()], 1)
    assert len(corners) > 10
    assert np.abs(np.interp(x, corners[:, 0], corners[:, 1]) - np.polyval(scale, line.y)).max() < 1


def test_differences_and_their_intervals_are_the_programs(drawn):
    summary, found = json.loads((drawn[1] / "summary.json").read_text()), data(drawn, "differences")
    assert len(found) == 3 * (len(POLICIES) - 1)
    for _, row in found.iterrows():
        metric = {"TTFT": "ttft_ms", "ITL": "itl_ms", "E2EL": "e2el_ms"}[row.metric]
        (entry,) = (e for e in summary["comparisons"] if e["policy"] == row.policy and e["metric"] == metric)
        assert (row["relative_%"], row["low_%"], row["high_%"]) == pytest.approx(
            [100 * entry[key] for key in ("relative", "relative_low", "relative_high")])
        assert row["low_%"] <= row["relative_%"] <= row["high_%"]


def test_the_map_holds_the_regret_of_every_decode_batch(drawn):
    found = data(drawn, "batch-map")
    for policy in POLICIES:
        steps = pandas.read_csv(drawn[1] / f"steps-{policy}.csv")
        steps = steps[steps.prefill_rows == 0]
        kv = steps.sum_kv / steps.rows
        covered = 0
        for _, cell in found[(found.series == "regret") & (found.name == policy)].iterrows():
            inside = steps[
                (steps.rows >= cell.rows_from) & (steps.rows < cell.rows_to) & (kv >= cell.kv_from) & (kv < cell.kv_to)]
            covered += len(inside)
            lost = inside.regret_us.sum() / (inside.attention_us.sum() - inside.regret_us.sum())
            assert cell.value == pytest.approx(lost)
        assert covered == len(steps)
    winners = set(found[found.series == "fastest"].name)
    assert winners and winners <= set(steps.best_variant)


def test_what_is_lost_is_told_apart_without_remainder(drawn):
    summary, found = json.loads((drawn[1] / "summary.json").read_text()), data(drawn, "regret")
    page = (drawn[0] / "report.html").read_text()
    losing = [policy for policy in POLICIES if summary["policies"][policy]["regret_ms"] > 0]
    assert losing == list(dict.fromkeys(found.policy)) == ["always-2d", "vllm-0.33"]
    for policy in losing:
        whole = summary["policies"][policy]
        for by in ("kind of batch", "rows", "longest row", "skew"):
            part = found[(found.policy == policy) & (found.by == by)]
            assert part.regret_ms.sum() == pytest.approx(whole["regret_ms"])
            assert part.itl_ms.sum() == pytest.approx(whole["regret"]["all"]["mean_itl_ms"])
            assert ((part.itl_low_ms <= part.itl_ms) & (part.itl_ms <= part.itl_high_ms)).all()
        # Recorded batches: what is lost in attention is the whole distance to the fastest.
        distance = whole["itl_ms"]["mean"] - summary["policies"]["fastest"]["itl_ms"]["mean"]
        assert whole["regret"]["all"]["mean_itl_ms"] == pytest.approx(distance, rel=0.02)
        assert whole["regret"]["groups"][0]["name"] in page


def test_results_of_an_older_program_are_drawn_without_what_they_lack(replay, tmp_path):
    older = changed(replay(QPS5), tmp_path / "older", lambda s: [found.pop("regret") for found in s["policies"].values()])
    done = call("report.py", older, "--output", tmp_path / "r.html", "--figures", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "regret.csv").exists() and (tmp_path / "batch-map.csv").exists()


def test_the_timeline_shows_the_steps_that_lose_most(drawn):
    found, steps = data(drawn, "timeline"), pandas.read_csv(drawn[1] / "steps-always-2d.csv")
    lane = found[found.policy == "always-2d"]
    most = steps.regret_us.rolling(len(lane)).sum().max() / 1e3
    assert lane.regret_ms.sum() == pytest.approx(most)
    assert (found[found.policy == "fastest"].regret_ms == 0).all()
    assert set(lane.variant) == {"triton-2d"}


def test_the_page_needs_nothing_else_and_says_where_numbers_come_from(drawn):
    page = (drawn[0] / "report.html").read_text()
    addresses = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            addresses.extend(v for k, v in attributes if k in ("src", "href", "xlink:href") and not v.startswith(("#", "data:")))

    Links().feed(page)
    assert not addresses and not re.search(r"url\((?!#)|@import", page)
    summary = json.loads((drawn[1] / "summary.json").read_text())
    for said in (summary["machine"], summary["engine"], MOONCAKE, summary["timing_attention"], "in the median and", "95 %, bootstrap"):
        assert said in page
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    drawn_twice = {name for name in identifiers if identifiers.count(name) > 1 and not re.match(r"^[a-zA-Z]+[0-9a-f]{10}$", name)}
    assert not drawn_twice


def test_the_same_results_give_the_same_bytes(drawn, tmp_path):
    done = call("report.py", drawn[1], "--output", tmp_path / "again.html", "--figures", tmp_path / "figures")
    assert done.returncode == 0
    assert (tmp_path / "again.html").read_bytes() == (drawn[0] / "report.html").read_bytes()
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == sorted(path.name for path in (drawn[0] / "figures").iterdir()) and len(names) >= 12
    for name in names:
        assert (tmp_path / "figures" / name).read_bytes() == (drawn[0] / "figures" / name).read_bytes()


def test_rates_are_drawn_with_a_line_a_policy_and_intervals(replay, tmp_path):
    folders = [replay(QPS5), replay(QPS7)]
    done = call("report.py", *folders, "--by", "rate", "--output", tmp_path / "r.html", "--figures", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = pandas.read_csv(tmp_path / "against-rate.csv")
    for folder in folders:
        summary = json.loads((folder / "summary.json").read_text())
        rate = (summary["trace_requests"] - 1) / summary["trace_arrival_span_s"]
        for policy in POLICIES:
            for metric in ("ttft_ms", "itl_ms"):
                (row,) = found[(found.metric == metric) & (found.name == policy) & np.isclose(found.x, rate)].itertuples()
                assert row.y == pytest.approx(summary["policies"][policy][metric]["mean"])
                assert row.low < row.y < row.high
    assert found.metric.str.endswith("difference %").sum() == 2 * 2 * (len(POLICIES) - 1)
    page = (tmp_path / "r.html").read_text()
    lines = [line for line in page.splitlines() if line.startswith("<p><b>fastest</b> against always-2d: mean ITL from ")]
    assert len(lines) == 1 and all(f"{folder_rate:.3g} requests/s" in lines[0] for folder_rate in found.x.unique())


@pytest.mark.parametrize(
    "kind, axis, metric", [
        ("serving", "rate", "itl_ms"), ("latency", "output_tokens", "e2el_ms"), ("mla", "context_tokens", "tokens_per_s")])  # fmt: skip
def test_an_experiment_is_drawn_beside_published_figures(replay, tmp_path, kind, axis, metric):
    points, expected = [], []
    for place, trace in ((5, QPS5), (7, QPS7)):
        shutil.copytree(replay(trace), tmp_path / f"at-{place}")
        points.append({"x": {axis: place}, "label": str(place), "folder": f"at-{place}"})
        found = json.loads((tmp_path / f"at-{place}" / "summary.json").read_text())["policies"]["fastest"]
        expected.append(1000 / found["itl_ms"]["mean"] if metric == "tokens_per_s" else found[metric]["mean"])
    published = {
        "series": "of <somebody>", "policies": ["fastest"], "x": 5, "y": 21.5, "metric": metric, "unit": "?",
        "hardware": "NVIDIA H100", "source": "a page"}  # fmt: skip
    content = {"schema": "reprise-experiment/1", "name": "e", "kind": kind, "title": "An experiment", "points": points}
    (tmp_path / "experiment.json").write_text(json.dumps(content | {"published": [published]}))
    done = call("report.py", tmp_path, "--output", tmp_path / "e.html", "--figures", tmp_path / "figures")
    assert (done.returncode, done.stderr) == (0, "")
    found = pandas.read_csv(tmp_path / "figures" / f"against-{axis.replace('_', '-')}.csv")
    assert found[found.kind == "published"][["x", "y"]].values.tolist() == [[5, 21.5]]
    ours = found[(found.name == "fastest") & (found.metric == metric)]
    assert ours.x.tolist() == [5, 7] and ours.y.tolist() == pytest.approx(expected)
    assert ((ours.low < ours.y) & (ours.y < ours.high)).all()
    page = (tmp_path / "e.html").read_text()
    assert "NVIDIA H100" in page and "of &lt;somebody&gt;" in page and "<h1>An experiment</h1>" in page
    off = f"{100 * (expected[0] / 21.5 - 1):+.1f} %".replace("-", "−")
    assert f"<td>{expected[0]:,.2f}</td><td>21.50</td><td>{off}</td>" in page
    (tmp_path / "experiment.json").write_text(json.dumps(content | {"kind": "unheard of"}))
    refused(call("report.py", tmp_path, "--output", tmp_path / "e.html"), 1, "kind 'unheard of'")


def test_a_sweep_of_answers_of_one_token_is_drawn_without_gaps(program, tmp_path):
    sweep = ["sweep", "--rates", "2,4", "--policy", "always-2d,vllm-0.33", "--prompt", "100", "--output-tokens", "1"]
    subprocess.run([program, *sweep, "--duration", "5", "--output", tmp_path / "s"], check=True, capture_output=True)
    done = call("report.py", tmp_path / "s", "--output", tmp_path / "s.html", "--figures", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = pandas.read_csv(tmp_path / "against-rate.csv")
    assert set(found[found.x == 2].metric) == {"ttft_ms", "ttft_ms difference %"}
    assert "no request has such times" in (tmp_path / "s.html").read_text()


def test_a_sweep_of_two_traces_names_both(replay, tmp_path):
    points = []
    for name, trace in (("one", QPS5), ("other", QPS7)):
        shutil.copytree(replay(trace), tmp_path / name)
        points.append({"x": {"rate": 5}, "label": "5", "folder": name, "trace": name})
    content = {"schema": "reprise-experiment/1", "name": "sweep", "kind": "sweep", "title": "A sweep", "points": points}
    (tmp_path / "experiment.json").write_text(json.dumps(content))
    done = call("report.py", tmp_path, "--output", tmp_path / "s.html")
    assert (done.returncode, done.stderr) == (0, "")
    headings = re.findall("<h2>([^<]*)</h2>", (tmp_path / "s.html").read_text())
    assert {"one, 5 requests/s", "other, 5 requests/s"} <= set(headings)


def test_two_folders_of_one_trace_are_compared(replay, tmp_path):
    other = replay(QPS5, "--batches", "rescheduled")
    done = call("report.py", replay(QPS5), other, "--output", tmp_path / "r.html", "--figures", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = pandas.read_csv(tmp_path / "folders.csv")
    assert len(found) == 2 * 2 * len(POLICIES)
    page = (tmp_path / "r.html").read_text()
    assert "recorded: every step keeps its rows" in page and "rescheduled: a model of" in page


def changed(source, target, change):
    shutil.copytree(source, target)
    summary = json.loads((target / "summary.json").read_text())
    change(summary)
    (target / "summary.json").write_text(json.dumps(summary))
    return target


def refused(done, code, *words):
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("report.py: ")
    for word in words:
        assert word in done.stderr


def test_bad_input_is_one_line(replay, tmp_path):
    good, page = replay(QPS5), tmp_path / "r.html"

    def report(*arguments):
        return call("report.py", *arguments, "--output", page)

    refused(report(good, replay(QPS7)), 1, "different traces", "--by rate")
    refused(report(tmp_path / "nowhere"), 1, "nowhere", "no folder")
    (tmp_path / "empty").mkdir()
    refused(report(tmp_path / "empty"), 1, "summary.json", "missing")
    newer = changed(good, tmp_path / "newer", lambda s: s.update(schema="reprise-replay/2"))
    refused(report(newer), 1, "'reprise-replay/2'", "'reprise-replay/1'")
    older = changed(good, tmp_path / "older", lambda s: s.pop("schema"))
    refused(report(older), 1, "no schema")
    nothing = changed(good, tmp_path / "nothing", lambda s: s.update(policies={}))
    refused(report(nothing), 1, "no policy")
    idle = changed(good, tmp_path / "idle", lambda s: s["policies"]["fastest"].update(steps=0))
    refused(report(idle), 1, "'fastest' executed no step")
    lost = changed(good, tmp_path / "lost", lambda s: None)
    (lost / "steps-fastest.csv").unlink()
    refused(report(lost), 1, "steps-fastest.csv", "missing")
    torn = changed(good, tmp_path / "torn", lambda s: None)
    (torn / "steps-fastest.csv").write_text("step,time_s\n0,x\n")
    refused(report(torn), 1, "steps-fastest.csv", "cannot be read")
    header = (good / "steps-fastest.csv").read_text().splitlines()[0]
    (torn / "steps-fastest.csv").write_text(header + "\n")
    refused(report(torn), 1, "steps-fastest.csv", "has no rows")
    lacking = changed(good, tmp_path / "lacking", lambda s: s["policies"]["fastest"].pop("itl_ms"))
    refused(report(lacking), 1, "'fastest' lacks 'itl_ms'")
    (torn / "summary.json").write_text('{"trace":')
    refused(report(torn), 1, "summary.json", "no JSON")
    refused(report(good, good), 2, "named twice")
    refused(report(good, replay(QPS5, "--batches", "rescheduled"), "--by", "rate"), 2, "--by rate")
    refused(call("report.py", good, "--output", tmp_path / "no" / "r.html"), 1, "cannot write")
    assert not page.exists()


def test_a_trace_without_gpu_times_is_drawn_and_said(program, replay, tmp_path):
    log = subprocess.run(
        [program, "trace", "export", CHECKOUT / "traces" / MOONCAKE, "--format", "steps-jsonl"],
        capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        line.pop("gpu_ms", None)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    subprocess.run([program, "record", tmp_path / "log.jsonl", "--output", tmp_path / "t.reprise"], check=True, capture_output=True)
    subprocess.run(
        [program, "replay", tmp_path / "t.reprise", "--policy", "always-2d,fastest", "--output", tmp_path / "out"],
        check=True, capture_output=True)
    done = call("report.py", tmp_path / "out", "--output", tmp_path / "r.html")
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and "no GPU times" in done.stderr
    assert "no GPU times" in (tmp_path / "r.html").read_text()


def test_tables_of_a_folder_named_twice_are_refused(replay, tmp_path):
    done = call("tables.py", replay(QPS5), replay(QPS5), "--output", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "named twice" in done.stderr


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_tables_come_back_in_pandas(replay, tmp_path, form):
    folder = replay(QPS5)
    done = call("tables.py", folder, "--output", tmp_path, "--format", form)
    assert (done.returncode, done.stderr) == (0, "")
    read = pandas.read_parquet if form == "parquet" else pandas.read_csv
    steps, requests = read(tmp_path / f"steps.{form}"), read(tmp_path / f"requests.{form}")
    summary = json.loads((folder / "summary.json").read_text())
    for policy, found in summary["policies"].items():
        assert steps[steps.policy == policy].attention_us.sum() / 1e3 == pytest.approx(found["attention_ms"])
        assert requests[requests.policy == policy].ttft_ms.mean() == pytest.approx(found["ttft_ms"]["mean"])
        counted = steps[steps.policy == policy].variant.astype(str).value_counts().to_dict()
        assert counted == {name: count for name, count in found["steps_by_variant"].items() if count}


def test_weighted_distributions_are_those_of_every_single_value():
    source = np.random.default_rng(7)
    values, weights = source.gamma(2, 10, 5000), source.integers(1, 9, 5000)
    x, share = statistics.cumulative(values, weights)
    every = np.repeat(values, weights)
    for place, part in zip(x[1:], share[1:]):
        assert part == pytest.approx((every <= place).mean())


def test_an_interval_holds_the_mean_about_as_often_as_it_says():
    source, held = np.random.default_rng(3), 0
    for trial in range(200):
        mean, low, high = statistics.mean_interval(source.exponential(10, 400), seed=trial)
        assert low <= mean <= high
        held += low <= 10 <= high
    assert 0.88 <= held / 200 <= 0.99
