"""Puts figures, tables and the box of origins on one HTML page that needs nothing else."""

from html import escape

from . import bounds
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
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.left, th.left { text-align: left; } td.wrap { white-space: normal; min-width: 12em; }
.box { border: 1.5px solid #1a1a1a; padding: 8px 14px; margin: 14px 0; font-size: 13.5px; } .box dt { font-weight: bold; float: left; clear: left; width: 9.5em; } .box dd { margin: 0 0 4px 10em; }
.box h2 { border: 0; margin: 2px 0 6px; font-size: 16px; }
figure { margin: 10px 0 4px; overflow-x: auto; } figure svg { max-width: 100%; height: auto; display: block; }
figcaption { font-size: 13px; color: #444; max-width: 95ch; margin-top: 2px; }
details { font-size: 13px; margin: 2px 0 12px; } pre { max-height: 16em; overflow: auto; background: #f5f5f5; padding: 6px; font-size: 12px; }
@page { size: A4; margin: 12mm; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } figure, .box, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } details { display: none; } table { font-size: 8pt; } th, td { padding: 2px 4px; white-space: normal; } }
"""
DATA_ROWS_MAX = 60
DEFINITIONS = """<dl class="box"><dt>TTFT</dt><dd>first token minus arrival, mean over requests</dd>
<dt>ITL</dt><dd>every gap between two tokens, pooled over all requests (as <code>vllm bench serve</code> counts): a request of 1000 tokens counts ten times one of 100</dd>
<dt>ITL by request</dt><dd>each request's own mean gap, then the mean over requests (as AIPerf and GuideLLM count): every request counts once</dd>
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


def describe(folder):
    s = folder.summary
    rate = f", {folder.rate:.2f} requests/s" if folder.rate else ""
    part = f"; {s['trace_selection']}" if s["trace_selection"] else ""
    return (
        f"{s['trace']}{part}: {s['trace_requests']:,} request{'s' if s['trace_requests'] != 1 else ''}{rate}, {s['trace_prompt_tokens']:,} prompt and "
        f"{s['trace_output_tokens']:,} output tokens; batches {s['batches']}"
    )


def change(entry):
    """A relative difference with its interval, or nothing."""
    if not entry:
        return ""
    low, mean, high = (signed(100 * entry[key]) for key in ("relative_low", "relative", "relative_high"))
    return f"{mean} % ({low} to {high})"


def lead(study):
    """The answer, in a sentence or two, for a folder alone."""
    if len(study.folders) > 1:
        yield f'<p class="sub">{len(study.folders)} replays: {escape(", ".join(f.label for f in study.folders))}.</p>'
        return
    folder = study.folders[0]
    yield f'<p class="sub">{escape(describe(folder))}</p>'
    for policy in folder.policies[1:]:
        itl, ttft = folder.comparison(policy, "itl_ms"), folder.comparison(policy, "ttft_ms")
        if itl and ttft:
            verdict = {"faster": "faster", "slower": "slower", "identical": "the same"}.get(itl["verdict"], "not clearly different")
            yield (
                f"<p><b>{escape(policy)}</b> is {verdict} in ITL than {escape(folder.policies[0])}: mean ITL {change(itl)}, "
                f"mean TTFT {change(ttft)}.</p>")  # fmt: skip


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
    yield "<table><tr><th>folder</th><th class=left>policy</th><th>mean TTFT, ms</th><th>against first</th><th>mean ITL, ms</th><th>against first</th><th>over fastest</th></tr>"
    for folder in study.folders:
        for n, policy in enumerate(folder.policies):
            found = folder.summary["policies"][policy]
            yield (
                f"<tr><td>{escape(folder.label) if n == 0 else ''}</td><td class=left>{escape(policy)}</td>"
                f"<td>{number(folder.mean(policy, 'ttft_ms'))}</td><td>{change(folder.comparison(policy, 'ttft_ms'))}</td>"
                f"<td>{number(folder.mean(policy, 'itl_ms'), 3)}</td><td>{change(folder.comparison(policy, 'itl_ms'))}</td>"
                f"<td>{over_fastest(found)}</td></tr>")  # fmt: skip
    yield "</table><p class=sub>In parentheses: 95 % interval of the difference, paired by request.</p>"


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
    rows = [
        "<table><tr><th>policy</th><th>mean TTFT, ms</th><th>against first</th><th>p99 TTFT</th><th>mean ITL, ms</th>"
        "<th>against first</th><th>p99 ITL</th><th>ITL by request</th><th>mean E2EL, ms</th><th>over fastest</th></tr>"
    ]
    for policy in folder.policies:
        found = folder.summary["policies"][policy]
        p99 = [found[metric]["p99"] if found[metric] else None for metric in ("ttft_ms", "itl_ms")]
        rows.append(
            f"<tr><td>{escape(policy)}</td><td>{number(folder.mean(policy, 'ttft_ms'))}</td>"
            f"<td>{change(folder.comparison(policy, 'ttft_ms'))}</td><td>{number(p99[0])}</td>"
            f"<td>{number(folder.mean(policy, 'itl_ms'), 3)}</td><td>{change(folder.comparison(policy, 'itl_ms'))}</td>"
            f"<td>{number(p99[1], 3)}</td><td>{number(folder.mean(policy, 'request_mean_itl_ms'), 3)}</td>"
            f"<td>{number(folder.mean(policy, 'e2el_ms'), 0)}</td><td>{over_fastest(found)}</td></tr>")  # fmt: skip
    return "".join(rows) + "</table>"


def origins(study):
    """The box: machine, times, traces, options and errors; what folders share is said once."""
    entries = [
        ("machine", lambda f: f.summary.get("machine", "")),
        ("engine", lambda f: f.summary.get("engine", "")),
        ("trace", lambda f: f.summary["trace"] + (f" ({f.summary['trace_selection']})" if f.summary["trace_selection"] else "")),
        ("batches", lambda f: {"recorded": "recorded: every step keeps its rows, only how long it takes changes",
                               "rescheduled": "rescheduled: a model of vLLM's scheduler forms new batches from the arrivals"}[f.summary["batches"]]),
        ("times", lambda f: {"gpu": "kernels executed on a GPU", "profile": "no kernel was executed: a fitted machine profile"}.get(
            f.summary["timing"], f.summary["timing"]) + "; " + f.summary.get("timing_attention", "")),
        ("rest of step", lambda f: f.summary.get("timing_rest", "")),
        ("error of the fit", fit_errors),
        ("against reality", lambda f: bounds.words(bounds.way(f.summary))),
        ("policies", lambda f: ", ".join(f.policies) + f"; compared with {f.policies[0]}"),
        ("notes", lambda f: "; ".join(f.summary.get("notes", []))),
    ]  # fmt: skip
    parts = ['<div class="box"><h2>How these numbers were obtained</h2><dl>']
    for name, of in entries:
        said = {}
        for folder in study.folders:
            said.setdefault(of(folder), []).append(folder.label)
        said.pop("", None)
        several = len(said) > 1 or sum(map(len, said.values())) < len(study.folders)
        texts = [
            (f"<i>{escape(', '.join(labels))}</i>: " if several else "") + escape(text) for text, labels in said.items()]
        if texts:
            parts.append(f"<dt>{name}</dt><dd>{'<br>'.join(texts) if len(texts) < 4 else '; '.join(texts)}</dd>")
    parts += [f"<dt>experiment</dt><dd>{escape(note)}</dd>" for note in study.notes]
    parts.append(
        "<dt>intervals</dt><dd>95 %, bootstrap over blocks of consecutive requests; they hold how much this traffic varies, "
        "not the errors above. What policies share (rest of step, host) cancels in their difference.</dd></dl></div>")  # fmt: skip
    return "".join(parts)


def fit_errors(folder):
    found = folder.summary.get("timing_held_out_errors") or []
    if not found:
        return "nothing was fitted: attention and the rest of the step are measured"
    each = "; ".join(f"{e['part']} {100 * e['median']:.1f} % and {100 * e['p90']:.1f} % ({e['rows']} rows)" for e in found)
    return "on data not fitted to, median and 90th percentile: " + each


def published_table(study):
    rows = ["<h2>Figures of others and of real runs, for comparison</h2><table><tr><th class=left>series</th><th class=left>origin</th><th class=left>metric</th><th>x</th><th>value</th><th class=left>unit</th>"
            "<th class=left>hardware</th><th class=left>source</th></tr>"]  # fmt: skip
    for p in study.published:
        rows.append(
            f"<tr><td>{escape(str(p.get('series', '')))}</td><td class=left>{origin(p)}</td>"
            f"<td class=left>{escape(str(metric_of(p)))}</td><td>{p['x']:g}</td><td>{p['y']:g}</td>"
            f"<td class=left>{escape(str(p.get('unit', '')))}</td><td class=left>{escape(str(p.get('hardware', 'not said')))}</td>"
            f"<td class=left>{escape(str(p.get('source', '')))}</td></tr>")  # fmt: skip
    return "".join(rows) + f"</table><p class=sub>Ours: {escape(study.folders[0].summary.get('machine', ''))}.</p>"
