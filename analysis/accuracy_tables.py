"""Tables of the accuracy page."""

import statistics

from accuracy_results import STATISTICS, Run, apart, goals, words


def percent(share, places=1):
    return f"{100 * share:.{places}f} %"


def signed(share):
    return f"{100 * share:+.1f} %" if round(100 * share, 1) else "0.0 %"


def cell(row, goal):
    if not row.errors:
        return " – | – | – | – "
    held = [error <= goal for error in row.errors]
    excused = sum(map(max, zip(held, row.as_real))) if row.as_real else "–"
    return (
        f" {percent(max(row.errors))} | {percent(statistics.median(row.errors))} | {sum(held)} of {len(held)} | {excused} ")


def goal_table(ways, repeats):
    yield "| | " + " | ".join(f"goal | {way.title}: worst | median | within | or as real runs" for way in ways) + " |"
    yield "|---|" + "---|" * (5 * len(ways))
    for rows in zip(*(goals(way, repeats) for way in ways)):
        cells = []
        for way, row in zip(ways, rows):
            goal = getattr(row, way.goal)
            cells.append(f" {percent(goal, 0)} |{cell(row, goal)}")
        yield f"| {rows[0].title} |" + "|".join(cells) + "|"
    cells = []
    for way in ways:
        judged = way.judged()
        right = sum((real > 0) == (predicted > 0) for _, _, real, predicted, _ in judged)
        cells.append(f" all right | – | – | {right} of {len(judged)} | – ")
    yield "| ranking of policies by mean ITL, where they differ by more than 3 % |" + "|".join(cells) + "|"


def pair_table(way):
    names = STATISTICS
    yield "| workload | recorded under | replayed under | " + " | ".join(map(words, names)) + (
        " | decode steps | batches part at |")
    yield "|---|---|---|" + "---|" * (len(names) + 2)
    for (source, target), result in way.by_pair.items():
        errors = [signed(result["statistics"][name]["error"]) for name in names]
        decode = result["steps"]["decode"]
        errors.append(percent(decode["mape"]) if decode else "–")
        parted = result["divergence"]["first_step"]
        errors.append("never" if parted is None else f"step {parted}")
        yield f"| {source.workload} | {source.name} | {target.name} | " + " | ".join(errors) + " |"


def source_table(way):
    terms = ("scheduling", "attention", "rest", "variation", "host", "client")
    yield "| workload | recorded under | replayed under | statistic | error | " + " | ".join(terms) + " |"
    yield "|---|---|---|---|---|" + "---|" * len(terms)
    for (source, target), result in way.by_pair.items():
        for name in ("itl-mean", "ttft-mean"):
            sources = result["sources"][name]
            real = result["statistics"][name]["real"]
            shares = [signed(sources[term] / real) for term in ("total", *terms)]
            yield f"| {source.workload} | {source.name} | {target.name} | {words(name)} | " + (
                " | ".join(shares) + " |")


def difference_table(ways):
    yield "| workload | from | to | real | " + " | ".join(way.title for way in ways) + " |"
    yield "|---|---|---|---|" + "---|" * len(ways)
    tables = [
        {(source, target): entry for source, target, *entry in way.differences()} for way in ways]
    for key, (real, _, _) in tables[0].items():
        source, target = key
        cells = [f"{table[key][1]:+.3f} ms" if key in table else "–" for table in tables]
        yield f"| {source.workload} | {source.name} | {target.name} | {real:+.3f} ms | " + (
            " | ".join(cells) + " |")


def interval_table(ways):
    """How often the real value lies where arrivals that move from run to run may take the prediction."""
    yield "| | " + " | ".join(f"{way.title}: inside | on an edge" for way in ways) + " |"
    yield "|---|" + "---|" * (2 * len(ways))
    for same, kind in ((True, "same policy"), (False, "other policy")):
        for name in STATISTICS:
            cells = []
            for way in ways:
                found = [
                    result["statistics"][name]["interval"]
                    for (a, b), result in way.by_pair.items() if (a == b) == same]
                inside = sum(interval["contains_real"] for interval in found)
                edges = sum(interval["spans_an_edge"] for interval in found)
                cells.append(f" {inside} of {len(found)} | {edges} ")
            yield f"| {kind}, {words(name)} |" + "|".join(cells) + "|"


def error_table(predictions):
    """Errors of (source, target, result), without what takes a trace of the target."""
    yield "| workload | recorded under | predicted for | " + " | ".join(map(words, STATISTICS)) + " |"
    yield "|---|---|---|" + "---|" * len(STATISTICS)
    for source, target, result in predictions:
        errors = [signed(result["statistics"][name]["error"]) for name in STATISTICS]
        yield f"| {target.workload} | {source.name} | {target.name} | " + " | ".join(errors) + " |"


def edge_table(ways):
    yield "| workload | recorded under | replayed under | timing | statistic | real | predicted | interval |"
    yield "|---|---|---|---|---|---|---|---|"
    for way in ways:
        for (source, target), result in way.by_pair.items():
            for name in ("itl-p99", "ttft-p50", "ttft-p90"):
                statistic = result["statistics"][name]
                interval = statistic["interval"]
                if not interval["spans_an_edge"]:
                    continue
                yield f"| {source.workload} | {source.name} | {target.name} | {way.title} | {words(name)} | " + (
                    f"{statistic['real']:.1f} ms | {statistic['predicted']:.1f} ms | "
                    f"{interval['low']:.1f} to {interval['high']:.1f} ms |")


def estimates(way):
    """What of the measured kernels' times was executed, and how near the others are."""
    yield "\n## Measured kernels: executed, and estimated\n"
    yield (
        "Times that the predictions above asked for: of the very batch, between two executed lengths of a growing batch, or estimated "
        "from executed batches like it.\n")
    yield "| runs of | batches | executed | interpolated | estimated |"
    yield "|---|---|---|---|---|"
    for (kernels, form), counts in sorted(way.answers().items(), reverse=True):
        shares = [percent(counts[name] / counts.total()) for name in ("executed", "interpolated", "estimated")]
        yield f"| {kernels} | {form} | " + " | ".join(shares) + " |"
    yield (
        "\nEstimates of measured batches that were kept out of them (whole growing batches at a time):\n")
    yield "| kernel and batches | median | 90th percentile | worst | batches |"
    yield "|---|---|---|---|---|"
    for error in way.estimate_errors():
        shares = [percent(error[name]) for name in ("median", "p90", "max")]
        yield f"| {error['part']} | " + " | ".join(shares) + f" | {error['rows']} |"


def profile_errors(profile):
    """A profile's own errors, as calibration found them."""
    yield "\n## The built-in profile on data that it was not fitted to\n"
    yield "| part | median | 90th percentile | worst | rows |"
    yield "|---|---|---|---|---|"
    parts = [(k["variant"], k["held_out_error"]) for k in profile["kernels"]]
    for model in profile["models"]:
        name = model["model"]["name"]
        parts += [(f"{name}, decode steps", model["decode_step_error"])]
        parts += [(f"{name}, steps with prompts", model["mixed_step_error"])]
    for name, e in parts:
        yield f"| {name} | " + " | ".join(percent(e[key]) for key in ("median", "p90", "max")) + f" | {e['rows']} |"


def round_table(repeats, machine):
    """What callers of repeated runs on a machine saw: of the second round against the first, and of later rounds among themselves."""
    yield "| workload | policy | | " + " | ".join(map(words, STATISTICS)) + " |"
    yield "|---|---|---|" + "---|" * len(STATISTICS)
    for (workload, policy), all_runs in repeats.items():
        runs = [run for run in all_runs if run["machine"] == machine]
        if len(runs) < 2:
            continue
        changes = [signed(runs[1][name] / runs[0][name] - 1) for name in STATISTICS]
        yield f"| {workload} | {policy} | second against first | " + " | ".join(changes) + " |"
        if len(runs) > 2:
            shares = [percent(apart(runs[1:], name)) for name in STATISTICS]
            yield f"| {workload} | {policy} | later ones, apart | " + " | ".join(shares) + " |"


def repeated_table(first, again, suffix="-again"):
    """What callers of two real runs saw that were asked the same."""
    names = STATISTICS
    yield "| workload | policy | " + " | ".join(map(words, names)) + " |"
    yield "|---|---|" + "---|" * len(names)
    own = {target: result for (source, target), result in again.by_pair.items() if source == target}
    for (source, target), result in first.by_pair.items():
        repeat = own.get(Run(f"{target.workload}{suffix}", target.name))
        if source == target and repeat:
            changes = [repeat["statistics"][n]["real"] / result["statistics"][n]["real"] - 1 for n in names]
            yield f"| {target.workload} | {target.name} | " + " | ".join(map(signed, changes)) + " |"
