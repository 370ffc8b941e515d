"""What the engine executed: which variant won for which batches, what choices cost, and when."""

import matplotlib.pyplot as plt
import numpy as np
import pyarrow.compute as pc
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch, Rectangle

from .figure import finish
from .style import HATCHES, VARIANT_COLOURS

MAP_BINS = 14
TIMELINE_STEPS = 48
# Regret above this share of the fastest variant's time is drawn in full black.
REGRET_SHOWN_MAX = 1.5
# Hatches narrower than this share of the timeline are noise.
HATCHED_SHARE_MIN = 0.012


class Variants:
    """Colour and hatch of each kernel variant."""

    def __init__(self, names):
        self.names = sorted(names)

    def colour(self, name):
        return VARIANT_COLOURS[self.names.index(name) % len(VARIANT_COLOURS)]

    def hatch(self, name):
        return HATCHES[self.names.index(name) % len(HATCHES)]

    def patch(self, name):
        return Patch(facecolor=to_rgba(self.colour(name), 0.9), hatch=self.hatch(name), edgecolor="white", label=name)


def batch_map(folder, prefix, raster=False):
    """Batch size × KV length: which variant is fastest, and what each policy's choices cost there."""
    columns = ["rows", "prefill_rows", "sum_kv", "best_variant", "attention_us", "regret_us"]
    cells, winners, edges = {}, {}, None
    names = set()
    decode_only = any(found["decode_steps"] for found in folder.summary["policies"].values())
    for policy in folder.policies:
        table = folder.steps(policy, columns)
        if decode_only:
            table = table.filter(pc.equal(table["prefill_rows"], 0))
        if not len(table):
            continue
        rows, kv = table["rows"].to_numpy(), table["sum_kv"].to_numpy()
        kv = kv / np.maximum(1, rows)
        best = table["best_variant"].unify_dictionaries().combine_chunks()
        labels, codes = best.dictionary.to_pylist(), best.indices.to_numpy()
        if edges is None:
            edges = (row_edges(rows.max()), kv_edges(kv))
        x, y = place_in(rows, edges[0]), place_in(kv, edges[1])
        cell = x * (len(edges[1]) - 1) + y
        size = (len(edges[0]) - 1) * (len(edges[1]) - 1)
        attention, regret = table["attention_us"].to_numpy(), table["regret_us"].to_numpy()
        cells[policy] = (
            np.bincount(cell, minlength=size), np.bincount(cell, attention, size), np.bincount(cell, regret, size))
        # Which is fastest does not depend on the policy, but rescheduled batches do: all count.
        for code, label in enumerate(labels):
            names.add(label)
            won = np.bincount(cell[codes == code], attention[codes == code] - regret[codes == code], size)
            winners[label] = winners.get(label, 0) + won
    look = Variants(names)
    drawing, axes = map_axes(len(cells) + 1)
    rows = []
    labels = sorted(winners)
    share = np.array([winners[label] for label in labels])
    total = share.sum(0)
    for cell in np.flatnonzero(total):
        label = labels[int(share[:, cell].argmax())]
        draw_cell(axes[0], cell, edges, facecolor=to_rgba(look.colour(label), 0.9), hatch=look.hatch(label),
                  edgecolor="white")  # fmt: skip
        rows.append(("fastest", label, *bounds(cell, edges), float(share[:, cell].max() / total[cell])))
    axes[0].legend(
        handles=[look.patch(label) for label in labels], loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=2,
        handlelength=1.6, columnspacing=1)
    axes[0].set_title("fastest variant")
    colours = plt.get_cmap("Greys")
    worst = max(0.01, max(float(np.max(r / np.maximum(a - r, 1e-9), where=a > 0, initial=0)) for _, a, r in cells.values()))
    scale = plt.Normalize(0, min(worst, REGRET_SHOWN_MAX))
    for axis, policy in zip(axes[1:], cells):
        count, attention, regret = cells[policy]
        for cell in np.flatnonzero(count):
            lost = regret[cell] / max(attention[cell] - regret[cell], 1e-9)
            draw_cell(axis, cell, edges, facecolor=colours(scale(lost)), edgecolor="#AAAAAA", linewidth=0.4)
            rows.append(("regret", policy, *bounds(cell, edges), float(lost)))
        whole = regret.sum() / max(attention.sum() - regret.sum(), 1e-9)
        axis.set_title(f"{policy}: +{100 * whole:.1f} %")
    for axis in axes:
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.set_xlim(edges[0][0], edges[0][-1])
        axis.set_ylim(edges[1][0], edges[1][-1])
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.minorticks_off()
        shown = edges[1][:: max(1, len(edges[1]) // 6)]
        axis.set_yticks(shown, [f"{value:,.0f}" for value in shown])
        axis.grid(False)
        axis.set_xlabel("rows")
    axes[0].set_ylabel("mean KV length, tokens")
    bar = drawing.colorbar(
        plt.cm.ScalarMappable(scale, colours), ax=axes.tolist(), shrink=0.85, pad=0.01, aspect=25,
        extend="max" if worst > REGRET_SHOWN_MAX else "neither")
    bar.set_label("attention above the fastest variant's")
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    caption = (
        f"Each field is the {'decode ' if decode_only else ''}batches of one size and mean KV length"
        f"{', without steps that hold prompts' if decode_only else ''}. First panel: the variant that is fastest for "
        "most of their attention time. Others: attention time of the policy's choices above that of the fastest "
        "variant, white is none; the figure in the title is over all of these batches."
    )
    columns = ("series", "name", "rows_from", "rows_to", "kv_from", "kv_to", "value")
    return finish(drawing, prefix + "batch-map", "Batch size × KV length: winners and regret", caption, columns, rows, raster)


def map_axes(count):
    drawing, axes = plt.subplots(1, count, figsize=(2.3 * count + 1.4, 3.4), sharey=True, squeeze=False)
    return drawing, axes[0]


def row_edges(most):
    return 2.0 ** np.arange(0, max(1, int(np.floor(np.log2(max(1, most))))) + 2)


def kv_edges(lengths):
    """Fields of equal height on a logarithmic axis, as fine as fits."""
    low, high = np.log2(max(1, lengths.min())), np.log2(max(2, lengths.max() + 1))
    for step in (0.125, 0.25, 0.5, 1.0, 2.0):
        edges = np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
        if len(edges) <= MAP_BINS + 1:
            break
    return 2.0**edges


def place_in(values, edges):
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def bounds(cell, edges):
    x, y = divmod(int(cell), len(edges[1]) - 1)
    return float(edges[0][x]), float(edges[0][x + 1]), float(edges[1][y]), float(edges[1][y + 1])


def draw_cell(axis, cell, edges, **look):
    left, right, bottom, top = bounds(cell, edges)
    axis.add_artist(Rectangle((left, bottom), right - left, top - bottom, **({"linewidth": 0} | look)))


def timeline(folder, prefix, raster=False):
    """Some consecutive steps, a lane a policy: when each step ended, how long it took, what was chosen."""
    wanted = ["time_s", "rows", "prefill_rows", "max_kv", "variant", "best_variant", "attention_us", "rest_us", "regret_us"]
    lanes, start = {}, None
    for policy in folder.policies:
        table = folder.steps(policy, wanted)
        if start is None:
            regret = table["regret_us"].to_numpy()
            start = worst_window(regret, min(TIMELINE_STEPS, len(regret)))
            from_time = float(table["time_s"][start].as_py())
        first = start if folder.summary["batches"] == "recorded" else int(
            np.searchsorted(table["time_s"].to_numpy(), from_time))
        lanes[policy] = table.slice(min(first, max(0, len(table) - 1)), TIMELINE_STEPS)
    names = {name for lane in lanes.values() for column in ("variant", "best_variant") for name in lane[column].to_pylist()}
    look = Variants(names)
    drawing, axis = plt.subplots(figsize=(11, 1.1 + 0.55 * len(lanes)))
    rows = []
    for height, (policy, lane) in enumerate(reversed(lanes.items())):
        data = {name: lane[name].to_pylist() for name in wanted}
        span = (data["time_s"][-1] - data["time_s"][0]) * 1e3
        origin = data["time_s"][0] - (data["attention_us"][0] + data["rest_us"][0]) / 1e6
        for n, end in enumerate(data["time_s"]):
            end, width = (end - origin) * 1e3, (data["attention_us"][n] + data["rest_us"][n]) / 1e3
            rest = data["rest_us"][n] / 1e3
            chosen, best = data["variant"][n], data["best_variant"][n]
            axis.add_artist(Rectangle((end - width, height - 0.32), rest, 0.64, facecolor="#E8E8E8", edgecolor="none"))
            axis.add_artist(Rectangle(
                (end - width + rest, height - 0.32), width - rest, 0.64, facecolor=look.colour(chosen),
                hatch=look.hatch(chosen) if width - rest > HATCHED_SHARE_MIN * span else None,
                edgecolor="white", linewidth=0))  # fmt: skip
            if chosen != best and data["regret_us"][n] > 0:
                axis.plot(end - (width - rest) / 2, height + 0.4, marker="v", markersize=3, color="black", linestyle="")
            if data["prefill_rows"][n] and rest > 0.008 * span:
                axis.text(end - width + rest / 2, height, "P", ha="center", va="center", fontsize=6, color="#444444", clip_on=True)
            rows.append((policy, data["rows"][n], data["prefill_rows"][n], data["max_kv"][n], end, width, width - rest,
                         chosen, best, data["regret_us"][n] / 1e3))  # fmt: skip
    # Limits are set here, since finding them from hundreds of rectangles takes longer than drawing those.
    axis.set_xlim(0, 1.05 * max(row[4] for row in rows))
    axis.set_ylim(-0.55, len(lanes) - 0.3)
    axis.set_yticks(range(len(lanes)), list(lanes)[::-1])
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(f"ms since the first of these steps began (step {start} of the replay)")
    handles = [Patch(facecolor="#E8E8E8", label="rest of step")] + [look.patch(name) for name in look.names]
    handles.append(plt.Line2D([], [], marker="v", color="black", linestyle="", markersize=4, label="another was faster"))
    axis.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), handlelength=1.6)
    caption = (
        f"The {TIMELINE_STEPS} consecutive steps in which {folder.policies[0]} loses most against the fastest variant. "
        "Grey: everything but attention; coloured: attention, by the variant that the policy chose; P: a step with a prompt."
    )
    columns = ("policy", "rows", "prefill_rows", "max_kv", "end_ms", "gpu_ms", "attention_ms", "variant", "best_variant", "regret_ms")
    return finish(drawing, prefix + "timeline", "Steps, and what each policy chose", caption, columns, rows, raster)


def worst_window(regret, length):
    """Where the window of so many steps with most regret begins; the middle of the replay without any."""
    sums = np.concatenate([[0], np.cumsum(regret)])
    window = sums[length:] - sums[:-length]
    return int(window.argmax()) if window.max() > 0 else max(0, (len(regret) - length) // 2)
