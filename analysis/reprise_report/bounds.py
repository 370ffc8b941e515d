"""How far predictions were from a real engine, read from the accuracy page beside this package."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "ACCURACY.md"
# Before the way: the machine, but for the first and the second.
PAIRS = r"#+ Every pair(?: on (?:the \w+ machine|unseen machines))?: "
CELL = re.compile(r"^[+-]?[\d.]+ %$")


def way(summary):
    """The page's part for results like these: by where kernels' times and the rest of step come from."""
    if "own GPU times" not in summary["timing_rest"]:
        return "profile alone"
    return "measured kernels and trace" if summary.get("timing") == "gpu" else "profile and trace"


def errors(way, page=PAGE):
    """Absolute errors in per cent of (mean ITL, mean TTFT) over the page's pairs of runs on all machines.

    With times of the trace, of pairs under two rules: under one, the predicted run is the recorded one itself.
    The profile alone predicts the same from either.
    """
    itl, ttft, columns, inside = [], [], None, False
    heading = re.compile(PAIRS + re.escape(way))
    for line in page.read_text().splitlines() if page.is_file() else []:
        if line.startswith("#"):
            inside, columns = bool(heading.fullmatch(line)), None
        elif inside and line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if columns is None:
                columns = {name: place for place, name in enumerate(cells)}
            elif (cells[columns["recorded under"]] == cells[columns["replayed under"]]) == (way == "profile alone"):
                for name, into in (("ITL mean", itl), ("TTFT mean", ttft)):
                    place = columns.get(name)
                    if place is not None and CELL.match(cells[place]):
                        into.append(abs(float(cells[place].split()[0])))
    return itl, ttft


def machine_count(page=PAGE):
    """How many machines' recordings the page has."""
    found = re.search(r"\((?:.*), (\d+) NVIDIA\s+H200s\)", page.read_text() if page.is_file() else "")
    return int(found[1]) if found else 0


def shown_by_recorded_batches(page=PAGE):
    """By machine, the median share in per cent of real differences in mean ITL that recorded batches show."""
    text = page.read_text() if page.is_file() else ""
    part = text.partition("\n## On recorded batches and on rescheduled ones\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return [float(row[3].split()[0]) for row in rows[2:]]


def is_recorded(model, page=PAGE):
    """Whether a real engine's run of the model stands on the page."""
    text = page.read_text() if page.is_file() else ""
    return not model or not text or f"\n| {model}-" in text


def words(way, engine="", batches="rescheduled", page=PAGE):
    """One sentence for the box of a report; says so where there is no page to read, or no run of the model on it."""
    model = engine.split("@")[0]
    if not is_recorded(model, page):
        return f"No real run of {model} was recorded, so how far these latencies are from a real engine's is not known."
    itl, ttft = errors(way, page)
    if not itl or not ttft:
        return "No page of accuracy lies beside this report's program (analysis/ACCURACY.md), so no error against a real engine is stated."
    middle = lambda values: sorted(values)[len(values) // 2]
    shown = shown_by_recorded_batches(page)
    text = (
        f"On {len(itl)} predictions from recordings of vLLM 0.24 on {machine_count(page)} H200s ({way}, batches rescheduled), mean ITL was off by "
        f"{middle(itl):.1f} % in the median and {max(itl):.1f} % at worst, mean TTFT by {middle(ttft):.1f} % and {max(ttft):.1f} % "
        "(analysis/ACCURACY.md). Other kinds of GPU and engines were not compared."
    )
    if batches == "recorded" and shown:
        text += (
            f" Recorded batches, as here, mostly show less of a difference than there is: {min(shown):.0f} to {max(shown):.0f} % of it in the "
            "median, by machine, because a faster engine meets smaller batches."
        )
    return text
