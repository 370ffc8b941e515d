"""Writes distributions.json: samples and what numpy says of them.

Run it in this folder with numpy (2.4.6 wrote the committed file); equal seeds give equal files.
Samples are pairs of nanoseconds and count. Percentiles are taken of nanoseconds as doubles and divided
afterwards, which is what the tests expect to the last bit.
"""

import json

import numpy as np


def case(name: str, values: list[int], counts: list[int] | None = None) -> dict:
    counts = counts or [1] * len(values)
    expanded = np.repeat(np.array(values, dtype=np.float64), counts)
    percentiles = {
        f"p{q}": float(np.percentile(expanded, q)) / 1e6 for q in (50, 90, 95, 99)
    }
    return {
        "name": name,
        "values": values,
        "counts": counts,
        "count": len(expanded),
        "mean": float(np.mean(expanded)) / 1e6,
        "std": float(np.std(expanded)) / 1e6,
        **percentiles,
        "max": float(np.max(expanded)) / 1e6,
    }


def main() -> None:
    rng = np.random.default_rng(19152)
    gaps = [int(x) for x in np.exp(rng.normal(16.3, 0.6, 300))]
    steps = [int(x) for x in rng.integers(5_000_000, 40_000_000, 120)]
    sharing = [int(x) for x in rng.integers(1, 60, 120)]
    # More pairs than are sorted by comparison, from below zero to beyond an hour.
    wide = [int(x) for x in rng.integers(-(10**6), 10**13, 700)]
    cases = [
        case("one value", [14_070_001]),
        case("two values", [5_890_000, 5_240_001]),
        case("all equal", [7, 7, 7, 7, 7]),
        case("ties and a stall", [10, 10, 20, 20, 20, 30, 10**12]),
        case("zero and negative", [0, -3, 5, 0, -1]),
        case("unordered tens", [90, 10, 50, 30, 70, 20, 100, 60, 40, 80, 0]),
        case("log-normal gaps", gaps),
        case("steps shared by requests", steps, sharing),
        case("wide", wide),
    ]
    with open("distributions.json", "w", encoding="utf-8") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
