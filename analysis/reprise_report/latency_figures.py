"""What callers saw in one folder: distributions, ITL over time, latency by length, differences."""

import matplotlib.pyplot as plt
import numpy as np

from .figure import finish
from .results import drop_absent, token_gaps
from .statistics import binned_mean, cumulative, mean_interval

TIME_BINS = 120
LENGTH_BINS = 8
REQUESTS_A_BIN_MIN = 12
LABELS = {"ttft_ms": "TTFT", "itl_ms": "ITL", "e2el_ms": "E2EL"}


def differences(folder, look, prefix, raster=False):
    """Each policy against the first: paired differences in per cent, with their 95 % intervals."""
    others = folder.policies[1:]
    rows = []
    for metric in LABELS:
        for policy in others:
            entry = folder.comparison(policy, metric)
            if entry:
                values = [100 * entry[key] for key in ("relative", "relative_low", "relative_high")]
                rows.append((LABELS[metric], policy, *values, entry["mean"], entry["low"], entry["high"]))
    if not rows:
        return None
    drawing, axes = plt.subplots(1, 3, figsize=(11, 0.7 + 0.32 * len(others)), sharey=True)
    for place, (metric, label) in zip(axes, LABELS.items()):
        place.axvline(0, color="#444444", linewidth=0.8)
        for row in rows:
            if row[0] != label:
                continue
            height = len(others) - 1 - others.index(row[1])
            drawn = place.errorbar(
                row[2], height, xerr=[[row[2] - row[3]], [row[4] - row[2]]], fmt="none",
                ecolor=look.colour(row[1]), elinewidth=2, capsize=4)
            place.plot(row[2], height, linestyle="", markersize=6, **look.point(row[1]))
            drawn[2][0].set_gid(f"{prefix}difference/{label}/{row[1]}")
        place.set_title(f"mean {label}")
        place.set_xlabel(f"% against {folder.policies[0]}")
        place.set_ylim(-0.6, len(others) - 0.4)
        place.margins(x=0.15)
    axes[0].set_yticks(range(len(others)), others[::-1])
    caption = (
        f"Paired by request against {folder.policies[0]}, 95 % intervals from a bootstrap over blocks of "
        "consecutive requests; left of zero is faster."
    )
    columns = ("metric", "policy", "relative_%", "low_%", "high_%", "difference_ms", "low_ms", "high_ms")
    return finish(drawing, prefix + "differences", "Differences with intervals", caption, columns, rows, raster)


def distributions(folder, look, prefix, raster=False):
    """Cumulative TTFT and ITL, and ITL over time."""
    drawing, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.3))
    rows, positive = [], True
    for number, policy in enumerate(folder.policies):
        requests = folder.requests(policy, ["ttft_ms"])
        ttft = drop_absent(requests, "ttft_ms")
        steps = folder.steps(policy, ["time_s", "gaps"])
        end, length, count = token_gaps(folder, policy, steps)
        for place, series, values, weights in (
            (left, "TTFT", ttft, None), (middle, "ITL", length, count)
        ):
            if not len(values):
                continue
            x, share = cumulative(values, weights)
            positive = positive and x[0] > 0
            (line,) = place.plot(
                x, share, drawstyle="steps-post", markevery=staggered(len(x), number), **look.line(policy))
            line.set_gid(f"{prefix}{series}-cdf/{policy}")
            rows += [(series, policy, float(a), float(b)) for a, b in zip(x, share)]
        if len(length):
            edges = np.linspace(end.min(), end.max() + 1e-9, min(TIME_BINS, max(2, len(end) // 4)) + 1)
            mean, _ = binned_mean(end, length, count, edges)
            shown = ~np.isnan(mean)
            middle_of_bin = (edges[:-1] + edges[1:])[shown] / 2
            (line,) = right.plot(middle_of_bin, mean[shown], **look.line(policy, marker=False))
            line.set_gid(f"{prefix}ITL-over-time/{policy}")
            rows += [("ITL over time", policy, float(a), float(b)) for a, b in zip(middle_of_bin, mean[shown])]
    for place, label in ((left, "TTFT"), (middle, "ITL, every gap")):
        place.set_title(label + ", cumulative")
        place.set_xlabel("ms")
        place.set_ylabel("share at or below")
        place.set_ylim(0, 1.01)
        if positive:
            place.set_xscale("log")
            plain_ticks(place.xaxis)
    right.set_title("ITL over time, mean of each interval")
    right.set_xlabel("s since the trace's time zero")
    right.set_ylabel("ms")
    right.set_ylim(bottom=0)
    left.legend(loc="lower right")
    caption = (
        "Left and middle: the share of requests (TTFT) and of gaps between tokens (ITL, pooled over all "
        "requests) that took at most so long. Right: the mean gap of each interval of time; spikes are prompts."
    )
    return finish(
        drawing, prefix + "distributions", "Distributions of TTFT and ITL, and ITL over time", caption,
        ("series", "policy", "x", "y"), rows, raster)


def staggered(points, number, markers=6):
    """Markers at other points for each policy, so that lines on top of each other can be told apart."""
    every = max(1, points // markers)
    return (number * every // 4 % every, every)


def by_length(folder, look, prefix, raster=False):
    """Latency against output length, and tokens a second against context, where requests differ in them."""
    tables = {
        policy: folder.requests(policy, ["prompt_tokens", "output_tokens", "end", "e2el_ms", "mean_itl_ms", "gaps"])
        for policy in folder.policies
    }
    panels = []
    for title, x_label, y_label, place, value, weight, transform in (
        ("Latency against output length", "output tokens", "mean E2EL, ms", lambda t: t["output_tokens"].to_numpy(),
         "e2el_ms", None, lambda v: v),
        ("Decode speed against context", "tokens of context (prompt and half of the output)",
         "tokens/s of one request", lambda t: t["prompt_tokens"].to_numpy() + t["output_tokens"].to_numpy() / 2,
         "mean_itl_ms", "gaps", lambda v: 1000 / v),
    ):  # fmt: skip
        lengths = place(tables[folder.policies[0]]).astype(float)
        known = lengths[lengths > 0]
        if len(known) >= 2 * REQUESTS_A_BIN_MIN and known.max() > 1.5 * known.min():
            panels.append((title, x_label, y_label, place, value, weight, transform))
    if not panels:
        return None
    drawing, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels) + 0.6, 3.3), squeeze=False)
    rows = []
    for axis, (title, x_label, y_label, place, value, weight, transform) in zip(axes[0], panels):
        for policy, table in tables.items():
            points = length_points(place(table).astype(float), table, value, weight, transform)
            if points:
                draw_points(axis, points, look, policy, f"{prefix}{title}/{policy}")
                rows += [(title, policy, *point) for point in points]
        axis.set_xscale("log")
        plain_ticks(axis.xaxis)
        axis.set_ylim(bottom=0)
        axis.set_title(title)
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
    axes[0][0].legend()
    caption = (
        "Requests in bins of equal numbers; bars are 95 % intervals of each bin's mean (bootstrap over blocks of "
        "consecutive requests). Intervals of policies overlap because requests differ; their paired difference is above."
    )
    return finish(
        drawing, prefix + "by-length", "By length of request", caption,
        ("series", "policy", "x", "y", "low", "high"), rows, raster)


def length_points(lengths, table, value, weight, transform):
    values = table[value].to_numpy(zero_copy_only=False)
    weights = table[weight].to_numpy().astype(float) if weight else np.ones(len(values))
    known = ~np.isnan(values) & (weights > 0) & (lengths > 0)
    lengths, values, weights = lengths[known], values[known], weights[known]
    if not len(lengths):
        return []
    bins = max(1, min(LENGTH_BINS, len(lengths) // REQUESTS_A_BIN_MIN))
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, lengths, side="right") - 1, 0, max(0, len(edges) - 2))
    points = []
    for group in range(max(1, len(edges) - 1)):
        inside = index == group
        mean, low, high = mean_interval(values[inside], weights[inside])
        if mean:
            ends = sorted(transform(v) for v in (low or mean, high or mean))
            points.append((float(lengths[inside].mean()), float(transform(mean)), *map(float, ends)))
    return points


def draw_points(axis, points, look, name, gid):
    """A line through (x, y, low, high), with intervals as bars."""
    x, y, low, high = (np.array(column, float) for column in zip(*points))
    (line,) = axis.plot(x, y, **look.line(name))
    line.set_gid(gid)
    axis.errorbar(
        x, y, yerr=[np.maximum(0, y - low), np.maximum(0, high - y)], fmt="none", ecolor=look.colour(name),
        elinewidth=1, capsize=2.5)


def plain_ticks(axis):
    """Labels such as 50 and 2000 on a logarithmic axis, rather than powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1e4 else f"{value / 1000:g}k"))
    axis.set_minor_locator(NullLocator())
