"""Ours beside what others have published and what real engines gave: a line a place and policy."""

from html import escape

from .html_table import html_table
from .lead import value
from .rate_figures import PANELS, metric_of, origin
from .style import signed


def table(folders, axis, x_label, published):
    """The table, and on which hardware each column was obtained; empty where nothing stands beside ours."""
    figures = {}
    for entry in published:
        for policy in entry.get("policies", []):
            figures.setdefault((metric_of(entry), origin(entry), entry["x"], policy), entry)
    labels = dict(PANELS[axis])
    shown = [(m, o) for m in labels for o in ("real run", "published") if any(key[:2] == (m, o) for key in figures)]
    if not shown:
        return ""
    headings, rows = [x_label, "policy"], []
    for metric in dict.fromkeys(metric for metric, _ in shown):
        headings.append(f"{labels[metric]}: ours")
        headings += [name for m, o in shown if m == metric for name in (o, f"off {o}")]
    for folder in folders:
        for number, policy in enumerate(folder.policies):
            cells = [f"{folder.x[axis]:g}" if number == 0 else "", escape(policy)]
            for metric in dict.fromkeys(metric for metric, _ in shown):
                own = value(folder, policy, metric)
                cells.append(words(own))
                for o in (o for m, o in shown if m == metric):
                    other = figures.get((metric, o, folder.x[axis], policy), {}).get("y")
                    cells += [words(other), f"{signed(100 * (own / other - 1))} %" if own and other else ""]
            rows.append(cells)
    return html_table(headings, rows, left=("policy",)) + hardware(folders, figures)


def words(number):
    return "" if number is None else f"{number:,.2f}"


def hardware(folders, figures):
    """Where each column was obtained, in a line."""
    said = [f"Ours: {folders[0].summary.get('machine') or 'not said'}"]
    for entry in figures.values():
        text = f"{origin(entry)}, {entry.get('series', '')}: {entry.get('hardware') or 'not said'}"
        if text not in said:
            said.append(text)
    return f'<p class="sub">{escape("; ".join(said))}.</p>'
