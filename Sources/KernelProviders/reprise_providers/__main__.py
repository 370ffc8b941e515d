"""`python3 -m reprise_providers`: times installed kernels on a plan's batches.

`measure PLAN --store FILE` adds to a measurement store, sample by sample, and can be interrupted
and repeated: what is complete is not measured again. `list` prints what is installed. `check PLAN`
compares results with float64 instead of timing. `place PLAN --output FILE` times some decode batches
alone and between the matrix products of a step, for `reprise calibrate`.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from .batch import PlanError
from .plan import read_plan
from .providers import Unsuited, installed_variants
from .store import COMPLETE, FAILED, PARTIAL, Key, Store, StoreError

# Element types of two bytes: bf16 rounds at 2⁻⁹.
TOLERANCE = 2e-2


def parse(arguments):
    parser = argparse.ArgumentParser(prog="reprise_providers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("measure", "time kernels"),
        ("check", "compare results with float64"),
        ("place", "time kernels alone and in a step"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("plan", type=Path)
        command.add_argument(
            "--variant", action="append", help="only names that begin so; default: the plan's"
        )
        command.add_argument("--seconds", type=float, default=float("inf"), help="end after")
    commands.choices["measure"].add_argument("--store", type=Path, required=True)
    place = commands.choices["place"]
    place.add_argument("--output", type=Path, required=True, help="a kernel log")
    place.add_argument("--count", type=int, default=60, help="batches of the plan")
    place.add_argument("--hidden", type=int, default=5120, help="the model's hidden size")
    place.add_argument("--intermediate", type=int, default=32768, help="the model's intermediate size")
    commands.add_parser("list", help="print the variants of installed packages")
    return parser.parse_args(arguments)


def wanted(planned, variants, options):
    """The variants to run on a planned batch."""
    for name, variant in variants.items():
        if planned.variants and name not in planned.variants:
            continue
        if options.variant and not name.startswith(tuple(options.variant)):
            continue
        yield variant


def lacking(plan, variants):
    """Variants that a plan names and no installed package has."""
    named = {name for planned in plan.batches for name in planned.variants}
    return sorted(named - set(variants))


def run(options):
    variants = installed_variants()
    plan = read_plan(options.plan)
    missing = lacking(plan, variants)
    if missing:
        raise PlanError(
            f"{options.plan}: no installed package has '{missing[0]}'"
            f" (there are: {', '.join(variants) or 'none'})"
        )
    if not variants:
        raise PlanError("no provider's package is installed here: run this in vLLM's environment")
    from .bench import Bench

    bench = Bench(plan.cache)
    if options.command == "place":
        return place(bench, variants, plan, options)
    store = Store(options.store) if options.command == "measure" else None
    began = time.monotonic()
    deadline = began + options.seconds
    counts = {"measured": 0, "known": 0, "unsuited": 0, "failed": 0, "left": 0}
    for planned in plan.batches:
        for variant in wanted(planned, variants, options):
            if time.monotonic() > deadline:
                counts["left"] += 1
                continue
            counts[step(bench, store, variant, planned.batch)] += 1
    for note in bench.notes:
        print(f"note: {note}", file=sys.stderr)
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{words} in {time.monotonic() - began:.1f} s ({bench.machine.gpu})")
    return 1 if counts["failed"] else 0


def place(bench, variants, plan, options):
    """Writes a kernel log of some decode batches, alone and in place."""
    from .place import evenly, lines

    chosen = [
        variant
        for name, variant in variants.items()
        if not options.variant or name.startswith(tuple(options.variant))
    ]
    batches = evenly([planned.batch for planned in plan.batches], options.count)
    with options.output.open("w", encoding="utf-8") as log:
        for line in lines(bench, chosen, batches, options.hidden, options.intermediate):
            log.write(json.dumps(line) + "\n")
            log.flush()
    print(f"{len(batches)} batches of {', '.join(variant.name for variant in chosen)} ({bench.machine.gpu})")
    return 0


def step(bench, store, variant, batch):
    """Measures or checks one variant on one batch; says what became of it."""
    import torch

    key = Key(bench.machine, variant.image, variant.name, batch.text, bench.cache)
    if store and store.status(key) in (FAILED, COMPLETE):
        return "known"
    try:
        if store is None:
            error = bench.error(variant.prepare, batch)
            print(f"{variant.name} {error:.2e} {batch.text[:100]}", flush=True)
            return "measured" if error < TOLERANCE else "failed"
        measured = bench.measure(variant.prepare, batch)
        store.append(key, measured.status, measured.samples)
        return "measured"
    except Unsuited:
        return "unsuited"
    except torch.cuda.OutOfMemoryError as error:
        # It may find some next time.
        if store:
            store.append(key, PARTIAL)
        print(f"error: {variant.name}: {first_line(error)}: {batch.text[:100]}", file=sys.stderr)
        return "failed"
    except Exception as error:
        if store:
            store.append(key, FAILED, reason=first_line(error))
        print(f"error: {variant.name}: {first_line(error)}: {batch.text[:100]}", file=sys.stderr)
        if is_lost(torch):
            raise StoreError(
                f"{variant.name} broke the GPU's context on {batch.text[:100]};"
                " run this again: it goes on with the next batch"
            ) from None
        return "failed"


def first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def is_lost(torch):
    """Whether the GPU's context no longer works."""
    try:
        torch.zeros(1, device="cuda").add_(1)
        torch.cuda.synchronize()
        return False
    except RuntimeError:
        return True


def main(arguments=None):
    options = parse(arguments)
    if options.command == "list":
        for variant in installed_variants().values():
            print(f"{variant.name} ({variant.image})")
        return 0
    try:
        return run(options)
    except PlanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (StoreError, RuntimeError) as error:
        print(f"error: {first_line(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
