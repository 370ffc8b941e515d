"""The answer in a sentence a policy, which the page begins with."""

from html import escape

from .rate_figures import AXES, PANELS
from .style import signed

VERDICTS = {
    "faster": "is faster in ITL than", "slower": "is slower in ITL than", "identical": "is as fast in ITL as",
}  # fmt: skip
UNCLEAR = "is not clearly different in ITL from"
NAMES = {"itl_ms": "mean ITL", "ttft_ms": "mean TTFT"}


def lead(study):
    """One paragraph that says what was replayed, then one a policy."""
    if len(study.folders) == 1:
        yield f'<p class="sub">{escape(describe(study.folders[0]))}</p>'
        yield from differences(study.folders[0])
        return
    yield f'<p class="sub">{len(study.folders)} replays: {escape(", ".join(f.label for f in study.folders))}.</p>'
    if any(folder.summary["comparisons"] for folder in study.folders):
        yield from spans(study.folders, "at" if study.axis else "in")
    elif study.axis:
        yield from ends(study.folders, study.axis)


def differences(folder):
    """Each policy against the first, in one folder."""
    for policy in folder.policies[1:]:
        itl, ttft = folder.comparison(policy, "itl_ms"), folder.comparison(policy, "ttft_ms")
        if itl and ttft:
            yield (
                f"<p><b>{escape(policy)}</b> {VERDICTS.get(itl['verdict'], UNCLEAR)} {escape(folder.policies[0])}: "
                f"mean ITL {change(itl)}, mean TTFT {change(ttft)}.</p>")  # fmt: skip


def spans(folders, at):
    """Each policy against the first: its least and its greatest difference among all folders."""
    for policy in dict.fromkeys(name for folder in folders for name in folder.policies[1:]):
        said = []
        for metric, name in NAMES.items():
            entries = [(folder.comparison(policy, metric), folder.label) for folder in folders]
            entries = sorted(((e, label) for e, label in entries if e), key=lambda pair: pair[0]["relative"])
            if entries:
                low, high = (f"{change(e)} {at} {label}" for e, label in (entries[0], entries[-1]))
                said.append(f"{name} from {low} to {high}" if len(entries) > 1 else f"{name} {low}")
        if said:
            yield f"<p><b>{escape(policy)}</b> against {escape(folders[0].policies[0])}: {escape('; '.join(said))}.</p>"


def ends(folders, axis):
    """Each policy's values at both ends of an axis, where single requests leave differences without intervals."""
    first, last = (pick(folders, key=lambda folder: folder.x[axis]) for pick in (min, max))
    metric, label = PANELS[axis][0]
    for policy in first.policies:
        if policy in last.policies:
            values = [f"{value(folder, policy, metric):,.1f} at {folder.x[axis]:g}" for folder in (first, last)]
            yield f"<p><b>{escape(policy)}</b>: {escape(label)}, {values[0]} and {values[1]} {AXES[axis]}.</p>"


def value(folder, policy, metric):
    """A policy's mean; tokens a second are those of the mean gap."""
    if metric != "tokens_per_s":
        return folder.mean(policy, metric)
    gap = folder.mean(policy, "itl_ms")
    return 1000 / gap if gap else None


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
