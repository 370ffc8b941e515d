"""Reads what a report is made of: plain result folders, or the folder of an experiment or a sweep."""

from pathlib import Path

from .errors import CallError, ReportError
from .rate_figures import AXES, place_by
from .results import load, load_all, read_json

SCHEMA = "reprise-experiment/1"
KINDS = {"latency": "output_tokens", "serving": "rate", "sweep": "rate", "mla": "context_tokens"}


class Study:
    """Folders that one report draws, and along which axis, if any."""

    def __init__(self, folders, axis=None, title="", published=(), labels=None, traces=(), notes=()):
        self.folders, self.axis, self.title = folders, axis, title
        self.published, self.labels, self.traces, self.notes = published, labels or {}, traces, notes


def read(paths, axis=None):
    """The study of the folders named in a call."""
    paths = [Path(path) for path in paths]
    experiments = [path for path in paths if (path / "experiment.json").is_file()]
    if experiments and len(paths) > 1:
        raise CallError(f"'{experiments[0]}' is an experiment, which makes a report of its own; name it alone")
    if experiments:
        return of_experiment(experiments[0])
    folders = load_all(paths)
    for folder in folders:
        if sum(other.label == folder.label for other in folders) > 1:
            folder.label = str(folder.path)
    if axis:
        place_by(folders, axis)
        if len({folder.x[axis] for folder in folders}) < 2:
            raise CallError(f"--by {axis} needs two folders that differ in it; all have {folders[0].x[axis]:g}")
        return Study(folders, axis)
    for folder in folders[1:]:
        if folder.workload != folders[0].workload:
            raise ReportError(
                f"'{folders[0].path}' and '{folder.path}' are of different traces "
                f"({words(folders[0])}; {words(folder)}); compare folders of one trace, or draw traces of "
                "different rates with --by rate")  # fmt: skip
    return Study(folders)


def words(folder):
    s = folder.summary
    part = f", {s['trace_selection']}" if s["trace_selection"] else ""
    return f"{Path(s['trace']).name}: {s['trace_requests']} requests, {s['trace_output_tokens']} output tokens{part}"


def of_experiment(path):
    """The study of an `experiment.json` with one result folder a point."""
    source = path / "experiment.json"
    value = read_json(source, path)
    if value.get("schema") not in (None, SCHEMA):
        raise ReportError(f"'{source}' has schema '{value['schema']}', and this report reads '{SCHEMA}'; run the experiment again")
    kind, points = value.get("kind"), value.get("points")
    if kind not in KINDS:
        raise ReportError(f"'{source}': kind '{kind}' is not one of {', '.join(KINDS)}; a newer program wrote it?")
    if not points:
        raise ReportError(f"'{source}' has no points; run the experiment again")
    axis, folders = KINDS[kind], []
    for point in points:
        try:
            place, name = float(point["x"][axis]), point["folder"]
        except (KeyError, TypeError, ValueError):
            raise ReportError(f"'{source}': point {len(folders) + 1} lacks 'folder' or 'x' with '{axis}'") from None
        folder = load(path / name)
        folder.x[axis] = place
        folder.label = str(point.get("label") or name)
        if folder.label.replace(".", "").isdigit():
            folder.label += " " + (value.get("x_label") or AXES[axis])
        folder.x["trace"] = point.get("trace", "")
        folders.append(folder)
    traces = list(dict.fromkeys(folder.x["trace"] for folder in folders))
    for folder in folders if len(traces) > 1 else []:
        folder.label = f"{folder.x['trace']}, {folder.label}"
    published = [p for p in value.get("published", []) if isinstance(p.get("x"), (int, float))
                 or (isinstance(p.get("x"), dict) and axis in p["x"])]  # fmt: skip
    published = [p | {"x": p["x"][axis] if isinstance(p["x"], dict) else p["x"]} for p in published]
    return Study(
        folders, axis, value.get("title") or value.get("name", ""), published,
        {"x_label": value.get("x_label")}, traces, value.get("notes", []))
