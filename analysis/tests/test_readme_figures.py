"""The README's figures are those of the accuracy page."""

import json
import re
import statistics
import subprocess
from pathlib import Path

from reprise_report import bounds

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "analysis" / "ACCURACY.md").read_text()
TRACES = ROOT / "traces" / "h200"
# As which a rule's runs are recorded.
RECORDED = {"vllm-0.33": "vllm-default"}


def errors(column):
    """Of all machines, absolute errors in per cent of predictions by profile and trace under another rule, by workload."""
    found = []
    parts = re.split(r"\n" + bounds.PAIRS + r"profile and trace\n", PAGE)[1:]
    for part in parts:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.split("\n#")[0].splitlines() if line.startswith("|")]
        place = rows[0].index(column)
        found += [(row[0], abs(float(row[place].split()[0]))) for row in rows[2:] if row[1] != row[2]]
    return found


def test_the_table_of_errors_is_the_accuracy_pages():
    found = {column: errors(column) for column in ("ITL mean", "TTFT mean", "ITL p99")}
    assert f"{len(found['ITL mean'])} predictions of what vLLM" in README
    median = {column: statistics.median(error for _, error in values) for column, values in found.items()}
    worst = {column: max(error for _, error in values) for column, values in found.items()}
    calm = max(error for workload, error in found["TTFT mean"] if not re.search("burst|latency", workload))
    assert f"| mean ITL | {median['ITL mean']:.1f} % | {worst['ITL mean']:.1f} % |" in README
    assert f"| mean TTFT | {median['TTFT mean']:.1f} % | {worst['TTFT mean']:.1f} %; without bursts and single requests {calm:.1f} % |" in README
    assert f"| 99th percentile of ITL | {median['ITL p99']:.1f} % | {worst['ITL p99']:.0f} % |" in README


def test_how_many_better_rules_were_named_is_the_accuracy_pages():
    rankings = re.findall(r"^\| ranking of policies .*$", PAGE, re.MULTILINE)
    # Of three ways, each with five columns, the middle one is by profile and trace.
    counts = [re.findall(r"(\d+) of (\d+)", row)[1] for row in rankings]
    right, judged = (sum(map(int, column)) for column in zip(*counts))
    assert f"the better one was named in {right} of {judged}" in README.replace("\n", " ")
    right, judged = re.findall(r"(\d+) of (\d+)", rankings[-1])[0]
    assert f"the better rule was named in {right} of {judged}" in README.replace("\n", " ")


def test_errors_on_unseen_machines_are_the_accuracy_pages():
    rows = errors_alone("ITL mean"), errors_alone("TTFT mean")
    (itl, ttft), text = ([error for _, error in found] for found in rows), README.replace("\n", " ")
    loaded = max(error for workload, error in rows[1] if workload.startswith("mistral") and "latency" not in workload)
    assert f"Mean ITL was off by {statistics.median(itl):.1f} % in the median and {max(itl):.1f} % at worst" in text
    assert f"mean TTFT of the larger model under load by {loaded:.1f} % at worst" in text
    assert f"up to {max(ttft):.0f} %" in text


def errors_alone(column):
    """Of machines that no profile has seen, absolute errors in per cent of the profile alone, by workload, one for each run."""
    part = PAGE.split("\n### Every pair on unseen machines: profile alone\n")[1].split("\n#")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    place = rows[0].index(column)
    return [(row[0], abs(float(row[place].split()[0]))) for row in rows[2:] if row[1] == row[2]]


def test_what_differences_are_off_by_is_the_accuracy_pages():
    shares = dict(re.findall(r"^\| ((?:ITL|TTFT) mean) \| (\d+ %) \|", PAGE, re.MULTILINE))
    assert f"for mean ITL {shares['ITL mean']} of the difference, for mean TTFT {shares['TTFT mean']}" in README


def test_the_engine_without_a_trace_is_the_accuracy_pages():
    part = PAGE.split("\n## On a sixth machine")[1].split("\n## ")[0]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    itl, ttft = (max(abs(float(row[head.index(column)].split()[0])) for row in rows) for column in ("ITL mean", "TTFT mean"))
    assert len(rows) == 3
    assert f"mean ITL was predicted within {itl:.1f} % and its mean TTFT within {ttft:.1f} %" in README


def mean_itl(program, trace, batches, *policies):
    call = [program, "replay", trace, "--policy", ",".join(policies), "--batches", batches, "--format", "json"]
    result = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
    return [result["policies"][policy]["itl_ms"]["mean"] for policy in policies]


def real_mean_itl(workload, policy):
    log = TRACES / f"mistral-small-24b-{workload}.{RECORDED.get(policy, policy)}.client.jsonl.zst"
    text = subprocess.run(["zstd", "-dc", log], check=True, capture_output=True, text=True).stdout
    runs = [json.loads(line)["tokens"] for line in text.splitlines()]
    return statistics.fmean(b - a for tokens in runs for a, b in zip(tokens, tokens[1:]))


def test_differences_on_both_kinds_of_batches_are_what_replay_says(program):
    rows = re.findall(r"^\| `([\w-]+)\.([\w-]+)` \| `([\w.-]+)` \| `([\w.-]+)` \| (.*?) % \| (.*?) % \| (.*?) % \|$", README, re.MULTILINE)
    assert len(rows) == 4
    for workload, recorded, rule, against, *told in rows:
        trace = TRACES / f"mistral-small-24b-{workload}.{recorded}.reprise"
        pairs = [mean_itl(program, trace, batches, against, rule) for batches in ("recorded", "rescheduled")]
        pairs.append([real_mean_itl(workload, policy) for policy in (against, rule)])
        found = [f"{100 * (b / a - 1):+.1f}".replace("-", "−") for a, b in pairs]
        assert found == told, (workload, recorded, rule)


def test_errors_of_profiles_are_what_the_program_prints(program, tmp_path):
    text = README.replace("\n", " ")
    trace = TRACES / "mistral-small-24b-random-qps5.vllm-default.reprise"
    call = [program, "replay", trace, "--policy", "always-2d,vllm-0.33", "--format", "json"]
    errors = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)["timing_held_out_errors"]
    shares = {error["part"]: [f"{100 * error[place]:.1f} %" for place in ("median", "p90")] for error in errors}
    split, whole = shares["triton-3d-16"], shares["triton-2d"]
    assert f"it is {whole[0]} in the median and {whole[1]} in the 90th percentile for `triton-2d`, {split[0]} and {split[1]} for" in text
    plans = [TRACES / f"plan-{part}.jsonl.zst" for part in ("fit", "held-out")]
    call = [program, "calibrate", plans[0], "--held-out", plans[1], "--output", tmp_path / "plan.json"]
    printed = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    median, upper = re.search(r"held out: all batches +(\S+ %) +(\S+ %)", printed).groups()
    assert f"is off by {median} and {upper}:" in text
