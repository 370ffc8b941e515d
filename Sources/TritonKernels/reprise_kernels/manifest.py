"""The list of what was built, for whoever loads and launches it.

`manifest.json` lies beside the cubins. `images` are compiled functions, each with its arguments in
order; after those listed every function takes two more pointers, `global_scratch` and
`profile_scratch`, which may be null where their byte counts are 0. `variants` are what policies
name: for a shape, launches in order, each with its image and its grid. The extents that a grid
names are defined in `launches.grid_extents`, scratch tensors in `launches.scratch_elements`.
"""

import json

from .compiler import TRITON_VERSION, key, report, signature, source_hash, stem, write_whole
from .images import steps
from .shapes import CHECKED_SHAPES, Shape, model_shapes
from .variants import VARIANTS, named

FORMAT = "reprise-kernels/1"


def image_entry(image, architecture, folder):
    found = report(image, architecture, folder)
    return {
        "key": key(image, architecture),
        "file": stem(image, architecture) + ".cubin",
        "sha256": found["sha256"],
        "kernel": image.kernel,
        "entry": found["entry"],
        "source_sha256": source_hash(image.kernel),
        "arguments": [
            {"name": name, "type": kind, "divisible_by": divisor}
            for name, kind, divisor in signature(image)
        ],
        "constants": dict(image.constants),
        "element": image.element,
        "num_warps": image.warps,
        "num_stages": image.stages,
        **{name: value for name, value in found.items() if name not in ("entry", "sha256")},
    }


def shape_entry(shape):
    return {
        "name": shape.name,
        "head_size": shape.head_size,
        "ratio": shape.ratio,
        "block_size": shape.block_size,
        "element": shape.element,
        "latent": shape.latent,
    }


def variant_entry(variant, shape, architecture):
    entry = {
        "name": variant.name,
        "family": variant.family,
        "shape": shape.name,
        "tile": variant.resolved_tile(shape),
        "segments": variant.segments,
    }
    if not shape.latent:
        entry["block_m"] = variant.resolved_block_m(shape)
    entry["launches"] = [
        {"image": key(step.image, architecture), "grid": list(step.grid)}
        for step in steps(variant, shape)
    ]
    return entry


def manifest(pairs, architecture, folder):
    """The manifest of (variant, shape) pairs whose images are all in a folder."""
    images = dict.fromkeys(step.image for v, s in pairs for step in steps(v, s))
    return {
        "format": FORMAT,
        "architecture": architecture,
        "triton": TRITON_VERSION,
        "shapes": [shape_entry(shape) for shape in dict.fromkeys(s for _, s in pairs)],
        "images": [image_entry(image, architecture, folder) for image in images],
        "variants": [variant_entry(v, s, architecture) for v, s in pairs],
    }


def in_order(pairs):
    """Pairs once each, in an order that does not depend on which builds they come from."""
    shapes = [*model_shapes(), *CHECKED_SHAPES]

    def place(pair):
        variant, shape = pair
        known = shapes.index(shape) if shape in shapes else len(shapes)
        return known, shape.name, VARIANTS.index(variant)

    return sorted(set(pairs), key=place)


def current_pairs(architecture, folder):
    """The (variant, shape) pairs of a folder's manifest that a build today would give as they are there."""
    try:
        found = json.loads((folder / "manifest.json").read_text())
        shapes = {entry["name"]: Shape(**{k: v for k, v in entry.items() if k != "name"}) for entry in found["shapes"]}
        listed = [(entry, named(entry["name"]), shapes[entry["shape"]]) for entry in found["variants"] if is_known(entry)]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # None there, or none that this version wrote.
    return [
        (variant, shape)
        for entry, variant, shape in listed
        if variant.fits(shape)
        and entry == variant_entry(variant, shape, architecture)
        and all(report(step.image, architecture, folder) for step in steps(variant, shape))
    ]


def is_known(entry):
    return any(variant.name == entry["name"] for variant in VARIANTS)


def write_manifest(pairs, architecture, folder):
    """Writes `manifest.json`, the same bytes for the same sources, and returns its path."""
    path = folder / "manifest.json"
    text = json.dumps(manifest(pairs, architecture, folder), indent=1) + "\n"
    write_whole(path, text.encode())
    return path
