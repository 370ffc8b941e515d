"""The README's figures are those of the accuracy page."""

import re
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "analysis" / "ACCURACY.md").read_text()


def errors(column):
    """Of all machines, absolute errors in per cent of predictions by profile and trace under another rule, by workload."""
    found = []
    parts = re.split(r"\n#+ Every pair(?: on the \w+ machine)?: profile and trace\n", PAGE)[1:]
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
    calm = max(error for workload, error in found["TTFT mean"] if "burst" not in workload)
    assert f"| mean ITL | {median['ITL mean']:.1f} % | {worst['ITL mean']:.1f} % |" in README
    assert f"| mean TTFT | {median['TTFT mean']:.1f} % | {worst['TTFT mean']:.1f} %; without bursts {calm:.1f} % |" in README
    assert f"| 99th percentile of ITL | {median['ITL p99']:.1f} % | {worst['ITL p99']:.0f} % |" in README


def test_what_differences_are_off_by_is_the_accuracy_pages():
    shares = dict(re.findall(r"^\| ((?:ITL|TTFT) mean) \| (\d+ %) \|", PAGE, re.MULTILINE))
    assert f"for mean ITL {shares['ITL mean']} of the difference, for mean TTFT {shares['TTFT mean']}" in README
