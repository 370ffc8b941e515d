"""Lines across several folders: latency against rate or output length, speed against context."""

import matplotlib.pyplot as plt

from .errors import ReportError
from .figure import finish
from .latency_figures import draw_points, plain_ticks
from .statistics import mean_interval

TITLES = {
    "rate": "against request rate", "output_tokens": "against output length", "context_tokens": "against context",
}  # fmt: skip
AXES = {"rate": "requests/s", "output_tokens": "output tokens", "context_tokens": "tokens of context"}
PANELS = {
    "rate": (("ttft_ms", "mean TTFT, ms"), ("itl_ms", "mean ITL, ms")),
    "output_tokens": (("e2el_ms", "mean E2EL, ms"), ("itl_ms", "mean ITL, ms")),
    "context_tokens": (("tokens_per_s", "tokens/s of one request"), ("itl_ms", "mean ITL, ms")),
}
# An axis from zero shows nothing of the small values beyond this ratio.
LOGARITHMIC_FROM = 300
# Rates that all lie above this share of the greatest would be pressed into a corner by an axis from zero.
NEAR_ZERO_SHARE = 0.5
PUBLISHED_COLOUR = "#555555"


def interval(folder, policy, metric):
    """A metric's mean with its 95 % interval over the folder's requests."""
    table = folder.requests(policy, ["ttft_ms", "e2el_ms", "mean_itl_ms", "gaps"])
    column = {"ttft_ms": "ttft_ms", "e2el_ms": "e2el_ms"}.get(metric, "mean_itl_ms")
    values = table[column].to_numpy(zero_copy_only=False)
    weights = table["gaps"].to_numpy().astype(float) if column == "mean_itl_ms" else None
    known = values == values
    if weights is not None:
        known &= weights > 0
    mean, low, high = mean_interval(values[known], None if weights is None else weights[known])
    if metric == "tokens_per_s" and mean:
        mean, low, high = 1000 / mean, 1000 / (high or mean), 1000 / (low or mean)
    return mean, low, high


def against(folders, kind, look, prefix, published=(), labels=None, raster=False):
    """Two panels of means against `kind`, and below them the paired differences against the first policy."""
    labels = labels or {}
    baseline = folders[0].policies[0]
    policies = list(dict.fromkeys(p for folder in folders for p in folder.policies))
    folders = sorted(folders, key=lambda folder: folder.x[kind])
    # A trace of one request has no interval, and a difference without one is not drawn.
    compared = any(folder.summary["comparisons"] for folder in folders)
    drawing, axes = plt.subplots(1 + compared, 2, figsize=(11, 3.4 + 2.7 * compared), squeeze=False)
    rows = []
    for column, (metric, label) in enumerate(PANELS[kind]):
        axis = axes[0][column]
        for policy in policies:
            points = []
            for folder in folders:
                if policy in folder.policies:
                    mean, low, high = interval(folder, policy, metric)
                    if mean is not None:
                        points.append((folder.x[kind], mean, low or mean, high or mean))
            if points:
                draw_points(axis, points, look, policy, f"{prefix}{metric}/{policy}")
                rows += [(metric, policy, "ours", *point) for point in points]
        draw_published(axis, published, metric, look, rows)
        axis.set_title(f"{label.split(',')[0]} {TITLES[kind]}")
        axis.set_ylabel(label)
        drawn = [row[4] for row in rows if row[0] == metric]
        if not drawn:
            # Answers of one token have no gaps.
            axis.text(0.5, 0.5, "no request has such times", transform=axis.transAxes, ha="center", va="center")
            axis.set_yticks([])
        elif min(drawn) > 0 and max(drawn) > LOGARITHMIC_FROM * min(drawn):
            axis.set_yscale("log")
            plain_ticks(axis.yaxis)
        else:
            axis.set_ylim(bottom=0)
        style_x(axis, kind, folders, labels)
        if compared:
            draw_differences(axes[1][column], folders, policies, baseline, kind, metric, look, rows)
            style_x(axes[1][column], kind, folders, labels)
    handles, names = axes[0][0].get_legend_handles_labels()
    more = [pair for pair in zip(*axes[0][1].get_legend_handles_labels()) if pair[1] not in names]
    handles, names = handles + [h for h, _ in more], names + [n for _, n in more]
    drawing.legend(handles, names, loc="outside upper center", ncols=min(4, len(names)))
    caption = (
        "Bars are 95 % intervals: of each mean (which also holds how much requests differ, so lines of policies share "
        f"most of it), and below of the difference against {baseline}, paired by request."
        if compared else "Each point is one request, so there is no interval."
    )
    columns = ("metric", "name", "kind", "x", "y", "low", "high")
    title = {"rate": "TTFT and ITL against request rate", "output_tokens": "Latency against output length",
             "context_tokens": "Tokens a second against context"}[kind]  # fmt: skip
    return finish(drawing, prefix + "against-" + kind.replace("_", "-"), title, caption, columns, rows, raster)


def draw_published(axis, published, metric, look, rows):
    """Figures of others, or of a real engine: dotted, in the colour of the policy that they followed."""
    series = list(dict.fromkeys((origin(p), p["series"]) for p in published))
    for number, (kind, name) in enumerate(series):
        points = sorted(
            (p["x"], p["y"]) for p in published
            if (origin(p), p["series"]) == (kind, name) and metric_of(p) == metric)  # fmt: skip
        if points:
            x, y = zip(*points)
            followed = [n for p in published if p["series"] == name for n in p.get("policies", []) if n in look.names]
            colour = look.colour(followed[0]) if followed else PUBLISHED_COLOUR
            axis.plot(
                x, y, linestyle=":", linewidth=1, color=colour, markersize=8, markeredgewidth=1.4,
                marker=("1", "2", "3", "4", "+", "x")[number % 6], label=f"{kind}: {name}")
            rows += [(metric, name, kind, a, b, None, None) for a, b in points]


def origin(published):
    return {"recorded": "real run"}.get(published.get("origin"), "published")


def metric_of(published):
    """The metric of a published figure: named, or told by its unit."""
    if "metric" in published:
        return published["metric"]
    return "tokens_per_s" if published.get("unit", "").startswith("tok") else published.get("unit")


def draw_differences(axis, folders, policies, baseline, kind, metric, look, rows):
    source = "itl_ms" if metric == "tokens_per_s" else metric
    axis.axhline(0, color="#444444", linewidth=0.8)
    for policy in policies:
        points = []
        for folder in folders:
            entry = folder.comparison(policy, source) if policy in folder.policies else None
            if entry:
                points.append((folder.x[kind], *(100 * entry[k] for k in ("relative", "relative_low", "relative_high"))))
        if points:
            draw_points(axis, points, look, policy, f"difference-{metric}/{policy}")
            rows += [(metric + " difference %", policy, "ours", *point) for point in points]
    axis.set_ylabel(f"% {'ITL' if source == 'itl_ms' else source.split('_')[0].upper()} against {baseline}")


def style_x(axis, kind, folders, labels):
    axis.set_xlabel(labels.get("x_label") or AXES[kind])
    places = [folder.x[kind] for folder in folders]
    if kind == "output_tokens" and min(places) > 0 and max(places) > 20 * min(places):
        axis.set_xscale("log", base=2)
        axis.minorticks_off()
        axis.set_xticks(sorted(set(places)), [f"{p:g}" for p in sorted(set(places))])
    elif kind == "rate" and min(places) < NEAR_ZERO_SHARE * max(places):
        axis.set_xlim(left=0)


def place_by(folders, kind):
    """Gives plain folders their place on the axis, from what their traces say."""
    for folder in folders:
        if kind == "rate":
            value = folder.rate
            why = "all of its requests arrive at once"
        elif kind == "output_tokens":
            value = folder.summary["trace_output_tokens"] / folder.requests_traced
            why = "it has no output"
        else:
            value = folder.summary["trace_prompt_tokens"] / folder.requests_traced
            why = "it has no prompts"
        if not value:
            raise ReportError(f"'{folder.path}' has no place on an axis of {AXES[kind]}: {why}; leave --by out")
        folder.x[kind] = float(value)
        folder.label = f"{value:.3g} {AXES[kind]}"


def folder_means(folders, look, prefix, raster=False):
    """Folders of one workload side by side: mean TTFT and ITL of each policy, with intervals."""
    policies = list(dict.fromkeys(p for folder in folders for p in folder.policies))
    drawing, axes = plt.subplots(1, 2, figsize=(11, 1.2 + 0.16 * len(folders) * (len(policies) + 1)), sharey=True)
    rows = []
    for axis, (metric, label) in zip(axes, PANELS["rate"]):
        for place, folder in enumerate(folders):
            for n, policy in enumerate(policies):
                if policy not in folder.policies:
                    continue
                mean, low, high = interval(folder, policy, metric)
                if mean is None:
                    continue
                height = -place + 0.35 - 0.7 * (n + 0.5) / len(policies)
                low, high = low or mean, high or mean
                axis.errorbar(mean, height, xerr=[[mean - low], [high - mean]], fmt="none", capsize=2,
                              ecolor=look.colour(policy), elinewidth=1)  # fmt: skip
                axis.plot(mean, height, linestyle="", **look.point(policy), label=policy if place == 0 else None)
                rows.append((metric, policy, folder.label, mean, low, high))
        axis.set_xlabel(label)
        axis.set_xlim(left=0)
    axes[0].set_yticks([-n for n in range(len(folders))], [folder.label for folder in folders])
    drawing.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(policies)))
    caption = "Means with 95 % intervals (bootstrap over blocks of consecutive requests)."
    return finish(drawing, prefix + "folders", "Folders side by side", caption,
                  ("metric", "policy", "folder", "mean", "low", "high"), rows, raster)  # fmt: skip
