"""What the report's box says of errors against real engines is the accuracy page's."""

import json
from pathlib import Path

from reprise_report import bounds


def test_errors_against_reality_are_those_of_the_accuracy_page():
    way = "profile and trace"
    itl, ttft = bounds.errors(way)
    page = bounds.PAGE.read_text()
    machines = ["## Every pair: ", "### Every pair: ", *(f"### Every pair on the {name} machine: " for name in ("third", "fourth", "fifth", "seventh", "eighth", "ninth", "tenth")), "### Every pair on unseen machines: "]
    part = "".join(page.split(f"\n{heading}{way}\n")[1].split("\n#")[0] for heading in machines)
    rows = [line.split("|") for line in part.splitlines() if " % |" in line]
    rows = [row for row in rows if row[2] != row[3]]
    assert len(itl) == len(ttft) == len(rows) > 10
    assert max(itl) == max(abs(float(row[4].split()[0])) for row in rows) and f"{max(itl):.1f} % at worst" in bounds.words(way)
    assert bounds.way({"timing_rest": "this trace's own GPU times"}) == way != bounds.way({"timing_rest": "the profile"})
    measured = bounds.way({"timing_rest": "this trace's own GPU times", "timing": "gpu"})
    assert measured != way and len(bounds.errors(measured)[0]) == len(itl)
    assert "no error against a real engine" in bounds.words(way, page=Path("nowhere"))
    shown = bounds.shown_by_recorded_batches()
    split = json.loads((bounds.PAGE.parent / "split.json").read_text())
    recorded_machines = len({part.get("reported_on", part["machine"]) for part in split["profiles"] + split["never_fitted"]})
    assert len(shown) == 9 and all(0 <= share < 120 for share in shown) and f" {recorded_machines} H200s" in bounds.words(way)
    recorded = bounds.words(way, batches="recorded")
    assert recorded.startswith(bounds.words(way)) and f"{min(shown):.0f} to {max(shown):.0f} % of it" in recorded
    assert bounds.words(way, "mistral-small-24b@nvidia-h200") == bounds.words(way)
    assert "No real run of deepseek-v3" in bounds.words(way, "deepseek-v3@nvidia-h200")
