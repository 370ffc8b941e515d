"""The end of the check's output: what failed, and how near each structure comes to vLLM's."""

import statistics
from collections import defaultdict
from math import isnan

WITHIN = 0.05


def summary(results):
    lines = check_lines([r for r in results if r.get("kind") == "check"])
    times = [r for r in results if r.get("kind") == "time" and "ratio" in r]
    lines += row_lines(times) + structure_lines(times)
    lost = [r for r in results if "error" in r]
    for result in lost[:20]:
        text = f"LOST {result['kind']} {result['variant']} {result['shape']}: {result['error']}"
        lines.append(text[:160])
    lines.append(f"tasks lost: {len(lost)}")
    return "\n".join(lines)


def check_lines(checks):
    done = [r for r in checks if "relative_error" in r]
    lines = ["relative error against float64, worst over batches"]
    groups = defaultdict(list)
    for result in done:
        groups[result["shape"]].append(result)
    for shape, found in groups.items():
        # NaN is never the larger of two, so it is looked for first.
        worst = max(found, key=lambda r: (isnan(r["relative_error"]), r["relative_error"]))
        apart = max(r["difference_from_first_variant"] for r in found)
        lines.append(
            f"  {shape}: {worst['relative_error']:.2e} ({worst['variant']}, {worst['batch']}),"
            f" variants apart at most {apart:.2e}, {len(found)} runs"
        )
    bad = [r for r in done if not r["ok"]]
    lines += [
        f"  WRONG {r['variant']} {r['shape']} {r['batch']}: {r['relative_error']:.2e}"
        for r in bad[:30]
    ]
    lines.append(f"checks: {len(done)} done, {len(bad)} wrong")
    return lines


def row_text(result):
    row = result["row"]
    queries, lengths = row["query_lens"], row["kv_lens"]
    kv = str(lengths[0]) if len(set(lengths)) == 1 else f"{min(lengths)}…{max(lengths)}"
    splits = f" splits {result['splits']}" if row["op"] == "mla-decode" else ""
    return f"{row.get('group', 'mla')} {len(lengths)}x{kv} q{max(queries)}{splits}"


def row_lines(times):
    """Ours / vLLM of the plain structures, a row each."""
    lines = ["ours / vLLM, microseconds ours"]
    rows = defaultdict(dict)
    for result in times:
        if "+" not in result["variant"]:
            rows[row_text(result)][result["variant"]] = result
    for text, found in rows.items():
        cells = [
            f"{name.removeprefix('triton-')} {r['ratio']:.3f} ({r['microseconds']:.1f})"
            + (f" warm {r['warm_microseconds']:.1f}" if "warm_microseconds" in r else "")
            for name, r in found.items()
        ]
        lines.append(f"  {text}: " + ", ".join(cells))
    return lines


def structure_lines(times):
    """How near each structure comes: the share of rows within 5 %, and the ratios' spread."""
    lines = ["structure: rows within 5 %, median ratio, lowest, highest, registers"]
    groups = defaultdict(list)
    for result in times:
        groups[result["variant"]].append(result)
    for name, found in groups.items():
        ratios = [r["ratio"] for r in found]
        near = sum(abs(ratio - 1) <= WITHIN for ratio in ratios)
        lines.append(
            f"  {name}: {near}/{len(ratios)}, {statistics.median(ratios):.3f},"
            f" {min(ratios):.3f}, {max(ratios):.3f}, {found[0]['registers']}"
        )
    return lines
