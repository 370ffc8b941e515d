"""Prints what a GPU made of the committed recordings, beside the live runs, as a page.

    bash Sources/GPUMeasurement/device-check.sh                       # on the GPU's machine; leaves RESULTS
    python3 analysis/gpu_page.py --reprise .build/release/reprise RESULTS > Sources/GPUMeasurement/H200.md
    python3 analysis/gpu_page.py --date 2026-11-24 --into Sources/GPUMeasurement/H200.md RESULTS     # parts that ran again

Nothing is typed in: figures come from the folder's files, and real ones from the recordings' own token times.
"""

import argparse
import json
import re
import subprocess
import tarfile
from pathlib import Path

from accuracy import RUNS, TRACES

MEASURED = re.compile(
    r"measured on .*?: (\d+) batches, (\d+) ms of GPU time in (\d+) replays, host (\d+) ms"
    r" \((\d+) µs a batch, (\d+) % of the GPU's\), start-up (\d+) ms, (\d+) MiB"
)


def results(folder):
    """Text of every file of results.tar.gz by name, and the log."""
    files = {"log.txt": (folder / "log.txt").read_text(errors="replace")}
    with tarfile.open(folder / "results.tar.gz") as archive:
        for member in archive.getmembers():
            if member.isfile():
                text = archive.extractfile(member).read().decode(errors="replace")
                files[Path(member.name).name] = text
    return files


def real_times(reprise, trace):
    """The GPU of a recorded run; its mean TTFT and mean ITL in milliseconds, from its steps' own times."""
    command = [reprise, "trace", "export", str(trace), "--format", "steps-jsonl"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    gpu, requests, tokens = None, {}, {}
    for entry in map(json.loads, log.splitlines()):
        if entry["kind"] == "header":
            gpu = entry["gpu"]
        elif entry["kind"] == "request":
            requests[entry["id"]] = entry
        elif entry["kind"] == "step" and "output" in entry:
            for request, computed, new in entry["batch"]:
                if computed + new >= requests[request]["prompt_tokens"]:
                    tokens.setdefault(request, []).append(entry["output"])
    gaps = [b - a for times in tokens.values() for a, b in zip(times, times[1:])]
    first = [times[0] - requests[request]["arrival"] for request, times in tokens.items()]
    return gpu, (1e3 * sum(first) / len(first), 1e3 * sum(gaps) / len(gaps))


def live(reprise, workload, gpu):
    """Real mean TTFT and ITL of a workload's runs on a GPU, by the policy that the engine followed."""
    found = {}
    for run, policy in RUNS.items():
        path = TRACES / f"{workload}.{run}.reprise"
        if path.exists():
            recorded, times = real_times(reprise, path)
            if recorded == gpu:
                found[policy] = times
    return found


def replays(files):
    """(workload, batches, report, cost, wall seconds) of every replay."""
    for name in sorted(files):
        if not name.endswith(".json") or not files[name].strip():
            continue
        workload, batches = name.removesuffix(".json").rsplit(".", 1)
        cost = MEASURED.search(files.get(f"{workload}.{batches}.stderr", ""))
        wall = re.search(r"wall ([\d.]+)", files.get(f"{workload}.{batches}.wall", ""))
        yield workload, batches, json.loads(files[name]), cost, wall


def policy_table(reprise, files):
    gpu = gpu_of(files)[0]
    yield "| workload | batches | policy | mean TTFT ms | mean ITL ms | GPU seconds served | live TTFT ms | live ITL ms |"
    yield "|---|---|---|---|---|---|---|---|"
    known = {}
    for workload, batches, report, _, _ in replays(files):
        real = known.setdefault(workload, live(reprise, workload, gpu))
        # Decode steps of these recordings have few enough rows that 0.13's rule and 0.33's choose alike.
        real.setdefault("vllm-0.33", real.get("vllm-0.13"))
        for policy, summary in report["policies"].items():
            seconds = (summary["attention_ms"] + summary["rest_ms"]) / 1e3
            run = real.get(policy)
            cells = [f"{run[0]:.2f}", f"{run[1]:.3f}"] if run else ["", ""]
            yield (
                f"| {workload} | {batches} | {policy} | {summary['ttft_ms']['mean']:.2f} |"
                f" {summary['itl_ms']['mean']:.3f} | {seconds:.2f} | " + " | ".join(cells) + " |"
            )


def cost_table(files):
    yield "| workload | batches | wall s | measured | GPU s | replays | host of GPU | host µs a batch | start-up s | GPU memory MiB |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for workload, batches, _, cost, wall in replays(files):
        if not cost or not wall:
            continue
        count, busy, replayed, _, each, share, start, memory = (int(g) for g in cost.groups())
        yield (
            f"| {workload} | {batches} | {float(wall[1]):.2f} | {count} | {busy / 1e3:.2f} |"
            f" {replayed} | {share} % | {each} | {start / 1e3:.2f} | {memory} |"
        )


def interpolation_table(files):
    yield "| workload | batches | probes | median error | 90th percentile | worst |"
    yield "|---|---|---|---|---|---|"
    for workload, batches, report, _, _ in replays(files):
        for entry in report["timing_held_out_errors"]:
            if not entry["part"].startswith("interpolation"):
                continue
            shares = " | ".join(f"{100 * entry[key]:.2f} %" for key in ("median", "p90", "max"))
            yield f"| {workload} | {batches} | {entry['rows']} | {shares} |"


def part(files, name):
    """The log of one part of the check."""
    found = re.search(rf"\n== {name} .*?\n(.*?)(?=\n== |\nall parts|\Z)", files["log.txt"], re.S)
    return found[1].strip("\n") if found else None


# Parts whose logs are sections, in the page's order.
SECTIONS = (
    ("How time grows with policies and requests", "growth"),
    ("When GPU memory is short", "memory"),
    ("Experiments, regret and tuning on executed kernels", "experiments"),
    ("Kernels against float64", "selftest"),
    ("MLA decode", "latent"),
    ("What can go wrong", "bad"),
    ("compute-sanitizer", "sanitizer"),
)


def gpu_of(check):
    """Name and driver of the GPU that a check ran on."""
    line = next(line for line in check["log.txt"].splitlines() if line.startswith("NVIDIA"))
    return tuple(cell.strip() for cell in line.split(",")[:2])


def tables(options, files):
    """Title and lines of each section of the replays; none where none were made."""
    if not any(replays(files)):
        return
    for title, words, lines in (
        ("Policies beside live runs",
         "Each replay is of the run under vLLM 0.24's own rule; live figures are of the engine's run under the policy.",
         policy_table(options.reprise, files)),
        ("Time spent",
         "Each line is `reprise replay TRACE --policy always-2d,always-3d,vllm-0.33,fastest --timing gpu` from nothing: starting up,"
         "\nloading kernels, measuring every batch that the policies need, replaying, reporting. A live run took 33 s for each rule"
         "\nat 5 requests a second.",
         cost_table(files)),
        ("Interpolation between measured lengths",
         "One pair of neighbours in 24 was also measured in the middle.",
         interpolation_table(files)),
    ):
        yield title, [*words.split("\n"), "", *lines]


def page(options):
    checks = [results(folder) for folder in (options.folder, *options.earlier)]
    if len({gpu_of(check)[0] for check in checks}) > 1:
        raise SystemExit("the checks are of different GPUs, whose figures do not belong on one page")
    # The newest that has replays.
    files = next((check for check in checks if any(replays(check))), checks[0])
    name, driver = gpu_of(files)
    yield f"# Replays on an {name}"
    yield ""
    yield f"Driver {driver}, {options.date}; made by `device-check.sh` beside this page and `analysis/gpu_page.py`."
    yield "The program was static and stripped, kernels were compiled by `reprise_kernels build --arch sm_90 --everything`."
    for title, lines in tables(options, files):
        yield from ("", f"## {title}", "", *lines)
    for title, name in SECTIONS:
        yield from section(checks, title, name)


def renewed(options):
    """A page with the sections of the parts that ran in place of what it had of them."""
    check, text = results(options.folder), options.into.read_text()
    name, driver = gpu_of(check)
    if not text.startswith(f"# Replays on an {name}\n"):
        raise SystemExit(f"{options.into} is not of an {name}, on which the check ran")
    ran = [(title, list(section([check], title, name))[3:]) for title, name in SECTIONS if part(check, name)]
    for title, lines in (*tables(options, check), *ran):
        new = "\n".join([f"## {title}", "", f"Driver {driver}, {options.date}.", "", *lines])
        old = re.compile(rf"^## {re.escape(title)}(?: \(from .*?\))?\n.*?(?=\n\n## |\n\Z)", re.M | re.S)
        text, count = old.subn(lambda _: new, text)
        if count != 1:
            raise SystemExit(f"{options.into} has no section '{title}'")
    return text


AMOUNT = re.compile(r"(\d+) MiB left: (.*)")
# What differs from amount to amount though the same happened.
SIZE = re.compile(r"\d+(?= (?:bytes|ms|µs|%|MiB|replays)\b| %)")


def condensed(lines):
    """The log of ever less memory: of amounts in a row at which the same happened, the first and the last."""
    groups = []
    for line in lines:
        found = AMOUNT.match(line)
        if not found:
            groups.append((None, None, [line]))
        elif groups and groups[-1][0] == found[1] and not groups[-1][2][-1].partition("left: ")[2].startswith("exit"):
            groups[-1] = (found[1], groups[-1][1] + SIZE.sub("N", found[2]), groups[-1][2] + [line])
        else:
            groups.append((found[1], SIZE.sub("N", found[2]), [line]))
    for place, (amount, kind, said) in enumerate(groups):
        around = [groups[other][1] if 0 <= other < len(groups) else None for other in (place - 1, place + 1)]
        if amount is None or around != [kind, kind]:
            yield from said
        elif groups[place - 2][1] != kind or place < 2:
            yield "…"


def brief(lines):
    """Of replays their rounds and their first table, which has the means; of checks everything."""
    table = False
    for line in lines:
        table = line.startswith("policy ") and "mean TTFT" in line or table and line.strip() != ""
        if table or re.match(r"-- |reprise: round|\d+ measured|policy +policy|vllm-\S+/|exit ", line):
            yield line


def section(checks, title, name, shorten=None):
    """The log of one part, of the newest check that ran it; nothing where none did."""
    texts = [part(check, name) for check in checks]
    place = next((place for place, text in enumerate(texts) if text is not None), None)
    if place is None:
        return
    shorten = shorten or (condensed if name == "memory" else list)
    if place:
        title += " (from an earlier run of the check)"
    yield ""
    yield f"## {title}"
    yield ""
    yield "```"
    # Paths of the machine say nothing.
    text = re.sub(r"/tmp/tmp\.\w+/|(?<!\S)/\S*/(?=[\w.-]+\.jsonl\.zst: )", "", texts[place])
    # A checker's frames of the host are addresses alone.
    yield from (
        line.rstrip() for line in shorten(text.splitlines())
        if not line.startswith("=========") or "ERROR SUMMARY" in line)
    yield "```"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what device-check.sh has left in RESULTS")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[],
        help="the folder of an earlier check, for parts that this one left out; newest first")
    parser.add_argument("--into", type=Path, help="renew the sections of this page whose parts ran, in place")
    parser.add_argument("--only", help="print the section of one part alone, in brief, under this title: PART=TITLE")
    parser.add_argument("--reprise", default=".build/release/reprise", help="the built program")
    parser.add_argument("--date", default="undated", help="when the check ran")
    options = parser.parse_args()
    if options.into:
        options.into.write_text(renewed(options))
    elif options.only:
        name, title = options.only.split("=", 1)
        print("\n".join(section([results(options.folder)], title, name, brief)))
    else:
        print("\n".join(page(options)))
