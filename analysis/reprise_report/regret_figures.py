"""Which batches carry what a policy loses against the fastest variants, and its part in TTFT and ITL."""

from html import escape

import matplotlib.pyplot as plt

from .figure import finish
from .html_table import html_table
from .style import signed

TITLES = {"kind of batch": "kind of batch", "rows": "rows", "longest row": "longest row, tokens", "skew": "skew"}
GROUPS_SHOWN = 4


def losing(folder):
    """Policies that lose anything, with what the program found; none in folders of older programs."""
    found = {policy: folder.summary["policies"][policy].get("regret") for policy in folder.policies}
    return {policy: regret for policy, regret in found.items() if regret and regret["all"]["regret_ms"] > 0}


def attribution(folder, look, prefix, raster=False):
    """Parts in mean ITL by class of batch, as bars with intervals, and a table of the classes."""
    policies = losing(folder)
    if not policies:
        return None
    shown = {}
    for name in TITLES:
        classes = [entry["name"] for policy in policies for entry in policies[policy]["breakdowns"][name]]
        every = {entry["name"]: entry for policy in policies for entry in policies[policy]["breakdowns"][name] if entry["regret_ms"] > 0}
        # Rescheduled batches differ from policy to policy: a class counts where any policy has it.
        shown[name] = [kind for kind in dict.fromkeys(classes) if kind in every]
    height = max(len(classes) for classes in shown.values())
    drawing, axes = plt.subplots(1, len(shown), figsize=(11, 1.3 + height * (0.16 + 0.13 * len(policies))), sharex=True)
    rows, width = [], 0.8 / len(policies)
    for axis, (name, classes) in zip(axes, shown.items()):
        for number, (policy, regret) in enumerate(policies.items()):
            entries = {entry["name"]: entry for entry in regret["breakdowns"][name]}
            for place, kind in enumerate(classes):
                entry = entries.get(kind)
                if not entry or not entry["regret_ms"]:
                    continue
                part, low, high = (entry[f"mean_itl_{key}"] for key in ("ms", "low_ms", "high_ms"))
                axis.barh(
                    place - 0.4 + width * (number + 0.5), part, width * 0.9, color=look.colour(policy), hatch=look.hatch(policy),
                    edgecolor="white", linewidth=0, label=policy if place == 0 else None, xerr=[[part - low], [high - part]],
                    error_kw={"ecolor": "#1a1a1a", "elinewidth": 1, "capsize": 2})  # fmt: skip
                rows.append((name, policy, kind, entry["steps"], entry["regret_ms"], part, low, high, *(
                    entry[f"mean_ttft_{key}"] for key in ("ms", "low_ms", "high_ms"))))  # fmt: skip
        axis.set_yticks(range(len(classes)), [kind.replace(" beside ", "\nbeside ").replace(" of up ", "\nof up ") for kind in classes])
        axis.set_ylim(height - 0.5, -0.5)
        axis.set_title(f"by {TITLES[name]}")
        axis.set_xlabel("part in mean ITL, ms")
        axis.grid(axis="y", visible=False)
    patches = [plt.Rectangle((0, 0), 1, 1, facecolor=look.colour(p), hatch=look.hatch(p), edgecolor="white", label=p) for p in policies]
    drawing.legend(handles=patches, loc="outside upper center", ncols=min(4, len(patches)))
    caption = (
        "How much of each policy's mean ITL is attention above that of the fastest variant, by the batches that it is lost in; the parts "
        "of a panel add up to the whole. Skew is the longest row over the mean row. Bars are 95 % intervals of each part (bootstrap over blocks of consecutive steps)."
    )
    columns = ("by", "policy", "class", "steps", "regret_ms", "itl_ms", "itl_low_ms", "itl_high_ms", "ttft_ms", "ttft_low_ms", "ttft_high_ms")
    figure = finish(drawing, prefix + "regret", "What is lost against the fastest, and in which batches", caption, columns, rows, raster)
    figure.table = table(policies)
    return figure


def table(policies):
    """For each policy all of its steps, each kind of batch, and the groups of similar batches that lose most."""
    headings = ("policy", "batches", "steps", "regret, s", "of all", "over fastest", "part in mean TTFT, ms", "part in mean ITL, ms")
    rows = []
    for policy, regret in policies.items():
        whole = regret["all"]["regret_ms"]
        kinds = [("all", regret["all"])] + [(e["name"], e) for e in regret["breakdowns"]["kind of batch"] if e["regret_ms"] > 0]
        groups = [("worst: " + entry["name"], entry) for entry in regret["groups"][:GROUPS_SHOWN]]
        for number, (name, entry) in enumerate(kinds + groups):
            best = entry["attention_ms"] - entry["regret_ms"]
            over = f"{signed(100 * entry['regret_ms'] / best)} %" if best > 0 else ""
            if number == 0 and regret["over"]:
                over += f" ({signed(100 * regret['over']['low'])} to {signed(100 * regret['over']['high'])})"
            rows.append([
                escape(policy) if number == 0 else "", escape(name), f"{entry['steps']:,}", f"{entry['regret_ms'] / 1e3:,.3f}",
                f"{100 * entry['regret_ms'] / whole:.1f} %", over, part(entry, "ttft"), part(entry, "itl")])  # fmt: skip
    return html_table(headings, rows, left=("batches",), wrapped=("batches",)) + "<p class=sub>In parentheses: 95 % intervals.</p>"


def part(entry, metric):
    value, low, high = (entry[f"mean_{metric}_{key}"] for key in ("ms", "low_ms", "high_ms"))
    return f"{signed(value, 3)} ({signed(low, 3)} to {signed(high, 3)})"
