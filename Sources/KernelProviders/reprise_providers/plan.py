"""The plan of a measurement: which variants on which batches.

JSON lines. The first is `{"format": "reprise-plan/1", "cache": "cold"}`; each further one names a
batch by its canonical text, and may name the variants that it is wanted for:
`{"batch": "attention/1 …", "variants": ["vllm-0.24.0/triton-2d"]}`. Unknown keys are left alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from .batch import Batch, PlanError, read_batch

FORMAT = "reprise-plan/1"


@dataclass(frozen=True)
class PlannedBatch:
    """A batch, and the variants it is wanted for; none means all that are chosen."""

    batch: Batch
    variants: tuple


@dataclass(frozen=True)
class Plan:
    """Batches in order, each once, and where their KV lies."""

    cache: str
    batches: tuple


def read_plan(path: Path):
    """The plan of a file; PlanError names the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: {error}") from None
    if not lines:
        raise PlanError(f"{path}: empty; 'reprise measure TRACE --plan FILE' writes a plan")
    header = read_line(path, 1, lines[0])
    if header.get("format") != FORMAT:
        raise PlanError(f"{path}:1: no plan of the format {FORMAT}")
    cache = header.get("cache", "cold")
    if cache not in ("cold", "warm"):
        raise PlanError(f"{path}:1: cache is {cache!r}, neither 'cold' nor 'warm'")
    found = {}
    for number, line in enumerate(lines[1:], 2):
        entry = read_line(path, number, line)
        names = entry.get("variants", [])
        if not isinstance(entry.get("batch"), str) or not isinstance(names, list):
            raise PlanError(f"{path}:{number}: no 'batch' text, or 'variants' is no list")
        try:
            batch = read_batch(entry["batch"])
        except PlanError as error:
            raise PlanError(f"{path}:{number}: {error}") from None
        found.setdefault(batch.text, PlannedBatch(batch, tuple(map(str, names))))
    return Plan(cache, tuple(found.values()))


def read_line(path, number, line):
    try:
        value = json.loads(line)
    except ValueError:
        raise PlanError(f"{path}:{number}: no JSON object on the line") from None
    if not isinstance(value, dict):
        raise PlanError(f"{path}:{number}: no JSON object on the line")
    return value
