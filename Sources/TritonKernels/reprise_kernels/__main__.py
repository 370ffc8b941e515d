"""`python -m reprise_kernels`: builds kernels, or lists what can be built."""

import argparse
import os
import sys
import time
from pathlib import Path

from .compiler import BuildError, capability, compile_all, too_large
from .images import steps
from .manifest import current_pairs, in_order, write_manifest
from .shapes import CHECKED_SHAPES, LATENT, MODELS, Shape, latent_shape, model_shapes
from .variants import CHECKED_NAMES, VARIANTS, variants_for


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "reprise" / "kernels"


def parse(arguments):
    parser = argparse.ArgumentParser(prog="reprise_kernels", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="compile kernels and write their manifest")
    build.add_argument("--arch", action="append", required=True, help="sm_80, sm_90 or sm_100")
    build.add_argument("--model", action="append", choices=list(MODELS), help="default: all")
    build.add_argument("--head-size", type=int, help="a shape instead of a model; 512 is MLA's")
    build.add_argument("--ratio", type=int, help="query heads per KV head")
    build.add_argument("--block-size", type=int, default=None, help="tokens in a KV block")
    build.add_argument("--element", choices=["bf16", "fp16"], default="bf16")
    build.add_argument("--variant", action="append", help="only these; default: all that fit")
    build.add_argument("--everything", action="store_true", help="also the shapes of no model above, which CI compiles")
    build.add_argument("--output", type=Path, default=default_folder(), help="default: %(default)s")
    build.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 16))
    commands.add_parser("list", help="print models, shapes and variants")
    return parser.parse_args(arguments)


def requested_shapes(options):
    if options.head_size is not None:
        if options.model:
            raise BuildError("--model and --head-size exclude each other: name one of them")
        if options.head_size == LATENT:
            return [latent_shape(options.block_size or 64, options.element)]
        if options.ratio is None or options.ratio < 1:
            raise BuildError("--head-size needs --ratio, query heads per KV head, at least 1")
        if options.head_size not in (64, 128, 256):
            raise BuildError(f"head size {options.head_size}: 64, 128, 256, or 512 for MLA")
        block_size = options.block_size or 16
        return [Shape(options.head_size, options.ratio, block_size, options.element)]
    if options.model:
        return list(dict.fromkeys(MODELS[name] for name in options.model))
    return model_shapes()


def requested_pairs(options):
    """[(variant, shape)] to build."""
    unknown = set(options.variant or ()) - {v.name for v in VARIANTS}
    if unknown:
        raise BuildError(f"no variant '{sorted(unknown)[0]}': `list` prints those there are")
    shapes = requested_shapes(options)
    for shape in shapes:
        if shape.block_size not in (16, 32, 64):
            raise BuildError(f"block size {shape.block_size}: 16, 32 or 64")
    pairs = [(v, s) for s in shapes for v in variants_for(s, options.variant)]
    if options.everything:
        pairs += [(v, s) for s in CHECKED_SHAPES for v in variants_for(s, CHECKED_NAMES)]
    if not pairs:
        raise BuildError("nothing to build: no variant named fits the shape")
    return list(dict.fromkeys(pairs))


def build(options):
    pairs = requested_pairs(options)
    failures = 0
    for architecture in options.arch:
        capability(architecture)
        failures += build_architecture(pairs, architecture, options)
    return 1 if failures else 0


def build_architecture(pairs, architecture, options):
    """Builds for one architecture and returns the number of images that failed."""
    folder = options.output / architecture
    images = list(dict.fromkeys(step.image for v, s in pairs for step in steps(v, s)))

    def progress(done, count, image):
        if sys.stderr.isatty():
            print(f"\r{architecture} {done}/{count} {image.kernel}\x1b[K", end="", file=sys.stderr)

    began = time.monotonic()
    done, failed = compile_all(images, architecture, folder, options.jobs, progress)
    if sys.stderr.isatty() and done:
        print(file=sys.stderr)
    for image, error in failed:
        line = error.strip().splitlines()[0]
        print(f"error: {image.kernel} {dict(image.constants)}: {line}", file=sys.stderr)
    # Variants that lack an image are left out, so that the others can be used.
    lost = {image for image, _ in failed}
    large = {i for i in images if i not in lost and too_large(i, architecture, folder)}
    lost |= large
    whole = [(v, s) for v, s in pairs if not lost & {step.image for step in steps(v, s)}]
    for variant, shape in pairs:
        if large & {step.image for step in steps(variant, shape)}:
            print(
                f"left out: {variant.name} for {shape.name} needs more shared memory than"
                f" {architecture} has",
                file=sys.stderr,
            )
    if failed and not whole:
        print(f"{architecture}: nothing was built, so the manifest stays as it was", file=sys.stderr)
        return len(failed)
    # What earlier builds asked for stays, as far as its images are still those of the sources.
    earlier = [pair for pair in current_pairs(architecture, folder) if pair not in pairs]
    path = write_manifest(in_order([*whole, *earlier]), architecture, folder)
    kept = f" ({len(earlier)} variants of earlier builds kept)" if earlier else ""
    print(
        f"{architecture}: {len(whole)} variants, {len(images)} images, {len(done)} compiled"
        f" in {time.monotonic() - began:.1f} s"
        f" -> {path}{kept}"
    )
    return len(failed)


def list_all():
    for name, shape in MODELS.items():
        print(f"model {name} {shape.name}")
    for variant in VARIANTS:
        print(f"variant {variant.name}")


def main(arguments=None):
    options = parse(arguments)
    if options.command == "list":
        list_all()
        return 0
    try:
        return build(options)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"error: {sys.executable} lacks '{error.name}': pip install triton==3.6.0", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
