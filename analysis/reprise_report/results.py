"""Reads result folders: `summary.json`, and for each policy its tables of steps, requests and gaps."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from .errors import CallError, ReportError

SCHEMA = "reprise-replay/1"
METRICS = ("ttft_ms", "itl_ms", "tpot_ms", "e2el_ms", "request_mean_itl_ms")
SUMMARY_KEYS = (
    "trace", "trace_requests", "trace_prompt_tokens", "trace_output_tokens", "trace_arrival_span_s", "trace_selection",
    "policies", "comparisons", "timing", "timing_rest", "batches",
)  # fmt: skip
POLICY_KEYS = (*METRICS, "steps", "decode_steps", "attention_ms", "regret_ms")
REPLAY_AGAIN = "replay again with `reprise replay TRACE --policy … --output DIR`"

STEP_TYPES = {
    "step": pa.int64(), "time_s": pa.float64(), "rows": pa.int32(), "padded_rows": pa.int32(),
    "prefill_rows": pa.int32(), "query_tokens": pa.int32(), "max_kv": pa.int32(), "sum_kv": pa.int64(),
    "variant": pa.string(), "attention_us": pa.float64(), "rest_us": pa.float64(),
    "best_variant": pa.string(), "regret_us": pa.float64(), "gaps": pa.int32(),
}  # fmt: skip
REQUEST_TYPES = {
    "request": pa.int64(), "arrival_s": pa.float64(), "prompt_tokens": pa.int64(),
    "output_tokens": pa.int64(), "end": pa.string(), "ttft_ms": pa.float64(), "e2el_ms": pa.float64(),
    "tpot_ms": pa.float64(), "mean_itl_ms": pa.float64(), "gaps": pa.int64(),
}  # fmt: skip
GAP_TYPES = {"step": pa.int64(), "time_s": pa.float64(), "gap_ms": pa.float64()}
# What figures draw of steps: read together, since reading the text is what takes time.
DRAWN_OF_STEPS = (
    "time_s", "rows", "prefill_rows", "max_kv", "sum_kv", "variant", "attention_us", "rest_us", "best_variant", "regret_us", "gaps",
)  # fmt: skip
# Names of variants repeat on every line: a dictionary of them takes 4 bytes a line.
DICTIONARIES = ("variant", "best_variant", "end")


def file_name(policy):
    """The name under which the program writes a policy's files."""
    kept = "-_:,+."
    return "".join(c if c.isascii() and (c.isalnum() or c in kept) else "_" for c in policy)


@dataclass
class Folder:
    """One result folder; its tables are read when they are asked for, one policy at a time.

    Of steps, what figures draw is kept until `forget`.
    """

    path: Path
    summary: dict
    label: str = ""
    x: dict = field(default_factory=dict)
    kept: dict = field(default_factory=dict, repr=False)

    @property
    def policies(self):
        return list(self.summary["policies"])

    @property
    def requests_traced(self):
        return self.summary["trace_requests"]

    @property
    def workload(self):
        """What two folders share that were replayed from the same requests."""
        keys = ("trace_requests", "trace_prompt_tokens", "trace_output_tokens", "trace_selection")
        return tuple(self.summary[key] for key in keys)

    @property
    def rate(self):
        """Requests a second over the span of arrivals; `None` without one."""
        span = self.summary["trace_arrival_span_s"]
        return (self.requests_traced - 1) / span if span > 0 else None

    def mean(self, policy, metric):
        found = self.summary["policies"][policy][metric]
        return found["mean"] if found else None

    def comparison(self, policy, metric):
        """The program's paired difference of a policy against the first one, or `None`."""
        for entry in self.summary["comparisons"]:
            if entry["policy"] == policy and entry["metric"] == metric:
                return entry
        return None

    def steps(self, policy, columns=None):
        if columns is None or not set(columns) <= set(DRAWN_OF_STEPS):
            return self._table("steps", policy, STEP_TYPES, columns)
        if policy not in self.kept:
            self.kept[policy] = self._table("steps", policy, STEP_TYPES, list(DRAWN_OF_STEPS))
        return self.kept[policy].select(columns)

    def forget(self):
        self.kept.clear()

    def requests(self, policy, columns=None):
        return self._table("requests", policy, REQUEST_TYPES, columns)

    def gaps(self, policy):
        return self._table("gaps", policy, GAP_TYPES, None)

    def _table(self, kind, policy, types, columns):
        path = self.path / f"{kind}-{file_name(policy)}.csv"
        columns = columns or list(types)
        wanted = {
            name: pa.dictionary(pa.int32(), pa.string()) if name in DICTIONARIES else types[name]
            for name in columns
        }
        try:
            table = pyarrow.csv.read_csv(
                path,
                convert_options=pyarrow.csv.ConvertOptions(column_types=wanted, include_columns=columns),
            )
        except FileNotFoundError:
            raise ReportError(f"'{path}' is missing; {REPLAY_AGAIN}") from None
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            reason = str(error).splitlines()[0]
            raise ReportError(f"'{path}' cannot be read: {reason}; {REPLAY_AGAIN}") from None
        # A replay without them would have failed; of gaps beside the steps there may be none.
        if not len(table) and kind != "gaps":
            raise ReportError(f"'{path}' has no rows; {REPLAY_AGAIN}")
        return table


def load_all(paths):
    """The folders of a call, each named once."""
    paths = [Path(path) for path in paths]
    repeated = [path for n, path in enumerate(paths) if path.resolve() in {p.resolve() for p in paths[:n]}]
    if repeated:
        raise CallError(f"'{repeated[0]}' is named twice; name each folder once")
    return [load(path) for path in paths]


def load(path):
    """One folder, its summary checked."""
    path = Path(path)
    summary = read_json(path / "summary.json", path)
    schema = summary.get("schema")
    if schema != SCHEMA:
        form = f"has schema '{schema}'" if schema else "has no schema: an older program wrote it"
        raise ReportError(f"'{path}' {form}, and this report reads '{SCHEMA}'; {REPLAY_AGAIN}")
    missing = [key for key in SUMMARY_KEYS if key not in summary]
    if missing:
        raise ReportError(f"'{path / 'summary.json'}' lacks '{missing[0]}'; {REPLAY_AGAIN}")
    if not summary["policies"]:
        raise ReportError(f"'{path / 'summary.json'}' has no policy; name some with --policy and {REPLAY_AGAIN}")
    folder = Folder(path, summary, label=path.name)
    for policy, found in summary["policies"].items():
        missing = [key for key in POLICY_KEYS if key not in found]
        if missing:
            raise ReportError(f"'{path / 'summary.json'}': policy '{policy}' lacks '{missing[0]}'; {REPLAY_AGAIN}")
        if not found.get("steps"):
            raise ReportError(
                f"'{path / 'summary.json'}': policy '{policy}' executed no step, so there is nothing to draw; "
                "replay a trace or a window that has some"
            )
        for kind in ("steps", "requests", "gaps"):
            table = path / f"{kind}-{file_name(policy)}.csv"
            if not table.is_file():
                raise ReportError(f"'{table}' is missing; {REPLAY_AGAIN}")
    return folder


def read_json(path, folder):
    if not Path(folder).is_dir():
        raise ReportError(f"'{folder}' is no folder; name one that `reprise replay --output` wrote")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"'{path}' is missing; name a folder that `reprise replay --output` wrote") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ReportError(f"'{path}' is no JSON: {error}; {REPLAY_AGAIN}") from None
    if not isinstance(value, dict):
        raise ReportError(f"'{path}' is no JSON object; {REPLAY_AGAIN}")
    return value


def token_gaps(folder, policy, steps=None):
    """All gaps between tokens: end in seconds, length in milliseconds, and how many share it."""
    steps = steps or folder.steps(policy, ["time_s", "gaps"])
    time, count = steps["time_s"].to_numpy(), steps["gaps"].to_numpy()
    length = np.diff(time, prepend=time[:1]) * 1e3
    shared = count > 0
    others = folder.gaps(policy)
    return (
        np.concatenate([time[shared], others["time_s"].to_numpy()]),
        np.concatenate([length[shared], others["gap_ms"].to_numpy()]),
        np.concatenate([count[shared], np.ones(len(others), count.dtype)]),
    )


def drop_absent(table, column):
    """A column's values, without the cells that are empty."""
    return pc.drop_null(table[column]).to_numpy()
