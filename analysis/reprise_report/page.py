"""Puts figures, tables and the box of origins on one HTML page that needs nothing else."""

from html import escape

from . import bounds
from .html_table import html_table
from .lead import change, describe, lead
from .rate_figures import metric_of, origin
from .style import signed

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 'DejaVu Sans', Verdana, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; max-width: 1120px; padding: 20px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 6px; border-bottom: 2px solid #1a1a1a; padding-bottom: 3px; }
h3 { font-size: 16px; margin: 22px 0 4px; }
p { margin: 6px 0; max-width: 95ch; } .sub { color: #555; } .warn { border-left: 5px solid #D55E00; padding-left: 10px; font-weight: bold; }
table { border-collapse: collapse; margin: 8px 0; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: right; border-bottom: 1.5px solid #1a1a1a; padding: 3px 8px; vertical-align: bottom; } td { text-align: right; white-space: nowrap; padding: 2px 8px; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.left, th.left { text-align: left; } td.wrap { white-space: normal; min-width: 17em; }
.box { border: 1.5px solid #1a1a1a; padding: 8px 14px; margin: 14px 0; font-size: 13.5px; } .box dt { font-weight: bold; float: left; clear: left; width: 9.5em; } .box dd { margin: 0 0 4px 10em; }
.box h2 { border: 0; margin: 2px 0 6px; font-size: 16px; }
figure { margin: 10px 0 4px; overflow-x: auto; } figure svg { max-width: 100%; height: auto; display: block; }
figcaption { font-size: 13px; color: #444; max-width: 95ch; margin-top: 2px; }
details { font-size: 13px; margin: 2px 0 12px; } pre { max-height: 16em; overflow: auto; background: #f5f5f5; padding: 6px; font-size: 12px; }
@page { size: A4; margin: 12mm; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } figure, .box, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } details { display: none; } table { font-size: 8pt; } table.short { break-inside: avoid; } th, td { padding: 2px 4px; white-space: normal; } td:first-child, td:nth-child(2):not(.wrap) { white-space: nowrap; } td.wrap { min-width: 14em; } }
"""
DATA_ROWS_MAX = 60
TIMES = {"gpu": "kernels executed on a GPU", "profile": "no kernel was executed: a fitted machine profile"}
INTERVALS = "In parentheses: 95 % intervals; of differences, paired by request."
DEFINITIONS = """<dl class="box"><dt>TTFT</dt><dd>first token minus arrival, mean over requests</dd>
<dt>ITL</dt><dd>every gap between two tokens, pooled over all requests (as <code>vllm bench serve</code> counts): a request of 1000 tokens counts ten times one of 100</dd>
<dt>ITL by request</dt><dd>each request's own mean gap, then the mean over requests (as AIPerf counts): every request counts once</dd>
<dt>TPOT</dt><dd>(E2EL − TTFT) / (tokens − 1), mean over requests</dd><dt>E2EL</dt><dd>last token minus arrival</dd>
<dt>over fastest</dt><dd>attention time above that of the fastest known variant for the same batches (regret)</dd></dl>"""


def page(title, study, sections):
    """The whole page; `sections` are (heading, folder or None, figures)."""
    parts = [
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>",
        *lead(study), *warnings(study), *overview(study), origins(study),
    ]  # fmt: skip
    for heading, folder, figures in sections:
        parts.append(f"<h2>{escape(heading)}</h2>")
        if folder is not None:
            if len(study.folders) > 1:
                parts.append(f'<p class="sub">{escape(describe(folder))}</p>')
            parts.append(policy_table(folder))
        for figure in figures:
            parts.append(figure_html(figure))
    if study.published:
        parts.append(published_table(study))
    parts += ["<h2>What the words mean</h2>", DEFINITIONS, "</body></html>", ""]
    return "\n".join(parts)


def figure_html(figure):
    shown = figure.rows[:DATA_ROWS_MAX]
    more = f"\n… {len(figure.rows) - len(shown):,} further rows: --figures DIR writes all" if len(figure.rows) > len(shown) else ""
    data = type(figure)(figure.name, "", "", "", figure.columns, shown).csv()
    return (
        f'<h3>{escape(figure.title)}</h3><figure id="{figure.name}">{figure.svg}'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>{figure.table}"
        f"<details><summary>the numbers</summary><pre>{escape(data + more)}</pre></details>"
    )


def warnings(study):
    for folder in study.folders:
        for policy, found in folder.summary["policies"].items():
            if found.get("overloaded"):
                yield (
                    f'<p class="warn">OVERLOAD in {escape(folder.label)} under {escape(policy)}: more arrives than the '
                    "engine serves; TTFT measures how long the trace is.</p>")  # fmt: skip
    for note in gpu_time_notes(study.folders):
        yield f'<p class="warn">{escape(note)}</p>'


def gpu_time_notes(folders):
    """A line for each folder whose trace had no GPU times of its own."""
    for folder in folders:
        if "from the profile of" in folder.summary.get("timing_rest", "") and folder.summary["batches"] == "recorded":
            yield (
                f"'{folder.path}': the trace has no GPU times, so the rest of each step comes from the machine profile; "
                "record with GPU times to compare absolute latencies")  # fmt: skip


def overview(study):
    """One row a folder and policy, where there are several folders."""
    if len(study.folders) == 1:
        return
    headings = ("folder", "policy", "mean TTFT, ms", "TTFT against first", "mean ITL, ms", "ITL against first", "over fastest")
    rows = [
        [
            escape(folder.label) if n == 0 else "", escape(policy),
            number(folder.mean(policy, "ttft_ms")), change(folder.comparison(policy, "ttft_ms")),
            number(folder.mean(policy, "itl_ms"), 3), change(folder.comparison(policy, "itl_ms")),
            over_fastest(folder.summary["policies"][policy]),
        ]
        for folder in study.folders for n, policy in enumerate(folder.policies)]  # fmt: skip
    yield html_table(headings, rows, left=("policy",))
    yield f"<p class=sub>{INTERVALS}</p>"


def number(value, digits=2):
    return "" if value is None else f"{value:,.{digits}f}"


def over_fastest(found):
    """Attention above the fastest variant's, with its interval where the program gave one."""
    best = found["attention_ms"] - found["regret_ms"]
    if best <= 0:
        return ""
    over = (found.get("regret") or {}).get("over")
    text = f"{signed(100 * found['regret_ms'] / best)} %"
    return text + (f" ({signed(100 * over['low'])} to {signed(100 * over['high'])})" if over and found["regret_ms"] else "")


def policy_table(folder):
    headings = (
        "policy", "mean TTFT, ms", "TTFT against first", "p99 TTFT", "mean ITL, ms", "ITL against first", "p99 ITL",
        "ITL by request", "mean E2EL, ms", "over fastest")  # fmt: skip
    rows = []
    for policy in folder.policies:
        found = folder.summary["policies"][policy]
        p99 = [found[metric]["p99"] if found[metric] else None for metric in ("ttft_ms", "itl_ms")]
        rows.append([
            escape(policy), number(folder.mean(policy, "ttft_ms")), change(folder.comparison(policy, "ttft_ms")), number(p99[0]),
            number(folder.mean(policy, "itl_ms"), 3), change(folder.comparison(policy, "itl_ms")), number(p99[1], 3),
            number(folder.mean(policy, "request_mean_itl_ms"), 3), number(folder.mean(policy, "e2el_ms"), 0),
            over_fastest(found)])  # fmt: skip
    return html_table(headings, rows)


def origins(study):
    """The box: machine, times, traces, options and errors; what folders share is said once."""
    entries = [
        ("machine", lambda f: f.summary.get("machine", "")),
        ("engine", lambda f: f.summary.get("engine", "")),
        ("trace", lambda f: f.summary["trace"] + (f" ({f.summary['trace_selection']})" if f.summary["trace_selection"] else "")),
        ("batches", lambda f: {"recorded": "recorded: every step keeps its rows, only how long it takes changes",
                               "rescheduled": "rescheduled: a model of vLLM's scheduler forms new batches from the arrivals"}[f.summary["batches"]]),
        ("times", lambda f: TIMES.get(f.summary["timing"], f.summary["timing"])
         + (", or estimated from such (notes)" if "timing_estimates" in f.summary else "") + "; " + f.summary.get("timing_attention", "")),
        ("rest of step", lambda f: f.summary.get("timing_rest", "")),
        ("error of the fit", fit_errors),
        ("against reality", lambda f: bounds.words(bounds.way(f.summary), f.summary.get("engine", ""), f.summary["batches"])),
        ("policies", lambda f: ", ".join(f.policies) + f"; compared with {f.policies[0]}"),
        ("notes", lambda f: f.summary.get("notes", [])),
    ]  # fmt: skip
    parts = ['<div class="box"><h2>How these numbers were obtained</h2><dl>']
    for name, of in entries:
        said = {}
        for folder in study.folders:
            found = of(folder)
            for text in [found] if isinstance(found, str) else found:
                said.setdefault(text, []).append(folder.label)
        said.pop("", None)
        texts = [
            (f"<i>{escape(', '.join(labels))}</i>: " if len(labels) < len(study.folders) else "") + escape(text)
            for text, labels in said.items()]  # fmt: skip
        if texts:
            parts.append(f"<dt>{name}</dt><dd>{'<br>'.join(texts) if len(texts) < 4 else '; '.join(texts)}</dd>")
    noted = {note for folder in study.folders for note in folder.summary.get("notes", [])}
    parts += [f"<dt>experiment</dt><dd>{escape(note)}</dd>" for note in study.notes if note not in noted]
    parts.append(
        "<dt>intervals</dt><dd>95 %, bootstrap over blocks of consecutive requests; they hold how much this traffic varies, "
        "not the errors above. What policies share (rest of step, host) cancels in their difference.</dd></dl></div>")  # fmt: skip
    return "".join(parts)


def fit_errors(folder):
    found = folder.summary.get("timing_held_out_errors") or []
    if not found:
        return "no model was fitted" + (", but of estimates (notes)" if "timing_estimates" in folder.summary else "")
    each = "; ".join(f"{e['part']} {100 * e['median']:.1f} % and {100 * e['p90']:.1f} % ({e['rows']} rows)" for e in found)
    return "on data not fitted to, median and 90th percentile: " + each


def published_table(study):
    headings = ("series", "origin", "metric", "x", "value", "unit", "hardware", "source")
    rows = [
        [escape(str(p.get("series", ""))), origin(p), escape(str(metric_of(p))), f"{p['x']:g}", f"{p['y']:g}",
         escape(str(p.get("unit", ""))), escape(str(p.get("hardware", "not said"))), escape(str(p.get("source", "")))]
        for p in study.published]  # fmt: skip
    return (
        "<h2>Figures of others and of real runs, with their sources</h2>"
        + html_table(headings, rows, left=("origin", "metric", "unit", "hardware", "source"))
        + f"<p class=sub>Ours: {escape(study.folders[0].summary.get('machine', ''))}.</p>")
