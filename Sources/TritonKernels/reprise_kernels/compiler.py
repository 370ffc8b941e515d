"""Compiles images ahead of time, without a GPU, and keeps the results by content.

An image's key is a hash of everything that its machine code follows from: the text of its kernel,
its constants and argument types, the compiler's options and version, and the architecture. The
cubin lies under `<kernel>-<key>.cubin` beside a JSON file of what the compiler reported; whatever
is there under a key is used as it is.
"""

import hashlib
import importlib
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from .images import SOURCES, Image, source_files

TRITON_VERSION = "3.6.0"
WARP_SIZE = 32
# Bytes of shared memory that a block may ask for (CUDA C++ Programming Guide, compute
# capabilities); others are taken to have the least of them.
SHARED_BYTES_MAX = {80: 166_912, 87: 166_912, 90: 232_448, 100: 232_448, 103: 232_448}
SHARED_BYTES_LEAST = 101_376
KEY_DIGITS = 24


class BuildError(Exception):
    """A build that cannot be done; the message says what to do."""


def capability(architecture: str):
    """90 of `sm_90`."""
    digits = architecture.removeprefix("sm_")
    if not architecture.startswith("sm_") or not digits.isdigit():
        raise BuildError(f"unknown architecture '{architecture}': write it as sm_90")
    return int(digits)


def parameter_table(kernel: str):
    """[(name, type, divisor)] of a kernel's run-time arguments, `element` not yet replaced."""
    module, table, _ = SOURCES[kernel]
    parameters = getattr(importlib.import_module(f".kernels.{module}", __package__), table)
    return [
        (name, text.partition(":")[0], int(text.partition(":")[2] or 1))
        for name, text in parameters.items()
    ]


def signature(image: Image):
    """[(name, type, divisor)] of an image's run-time arguments, in order."""
    return [
        (name, kind.replace("element", image.element), divisor)
        for name, kind, divisor in parameter_table(image.kernel)
    ]


def source_hash(kernel: str):
    digest = hashlib.sha256()
    for path in source_files(kernel):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key(image: Image, architecture: str):
    """What an image is stored under."""
    content = {
        "source": source_hash(image.kernel),
        "kernel": image.kernel,
        "signature": signature(image),
        "constants": image.constants,
        "warps": image.warps,
        "stages": image.stages,
        "architecture": architecture,
        "triton": TRITON_VERSION,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def stem(image: Image, architecture: str):
    return f"{image.kernel}-{key(image, architecture)}"


def compile_image(image: Image, architecture: str, folder: str):
    """Compiles one image into a folder and returns its stem. Runs in a process of the pool."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    if triton.__version__ != TRITON_VERSION:
        raise BuildError(
            f"triton {triton.__version__} found, {TRITON_VERSION} needed:"
            f" pip install triton=={TRITON_VERSION}"
        )
    # Line tables would put this machine's paths into the image.
    triton.knobs.compilation.disable_line_info = True
    module = importlib.import_module(f".kernels.{SOURCES[image.kernel][0]}", __package__)
    function = getattr(module, image.kernel)
    runtime = signature(image)
    types = {name: kind for name, kind, _ in runtime}
    types |= {name: "constexpr" for name, _ in image.constants}
    hints = {
        (place,): [["tt.divisibility", divisor]]
        for place, (_, _, divisor) in enumerate(runtime)
        if divisor > 1
    }
    source = ASTSource(function, types, dict(image.constants), hints)
    target = GPUTarget("cuda", capability(architecture), WARP_SIZE)
    options = {"num_warps": image.warps, "num_stages": image.stages}
    with tempfile.TemporaryDirectory() as scratch:
        # Ours is the only cache: what it keeps is named by content and free of paths.
        triton.knobs.cache.dir = scratch
        compiled = triton.compile(source, target=target, options=options)
    store(image, architecture, Path(folder), compiled)
    return stem(image, architecture)


def store(image, architecture, folder, compiled):
    """Writes the report before the cubin, each under its own name only when it is whole."""
    metadata = compiled.metadata
    report = {
        "entry": metadata.name,
        "threads": metadata.num_warps * WARP_SIZE,
        "shared_bytes": metadata.shared,
        "global_scratch_bytes": metadata.global_scratch_size,
        "global_scratch_align": metadata.global_scratch_align,
        "profile_scratch_bytes": metadata.profile_scratch_size,
        "profile_scratch_align": metadata.profile_scratch_align,
        "sha256": hashlib.sha256(compiled.asm["cubin"]).hexdigest(),
    }
    name = stem(image, architecture)
    write_whole(folder / f"{name}.json", (json.dumps(report, indent=2) + "\n").encode())
    write_whole(folder / f"{name}.cubin", compiled.asm["cubin"])


def write_whole(path: Path, content: bytes):
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def report(image: Image, architecture: str, folder: Path):
    """What the compiler reported of an image; None unless it and the cubin are there and agree."""
    path = folder / stem(image, architecture)
    try:
        found = json.loads(path.with_name(path.name + ".json").read_text())
        cubin = path.with_name(path.name + ".cubin").read_bytes()
    except (OSError, ValueError):
        return None
    return found if found.get("sha256") == hashlib.sha256(cubin).hexdigest() else None


def too_large(image: Image, architecture: str, folder: Path):
    """Bytes of shared memory that a compiled image asks for beyond its architecture's; else 0."""
    limit = SHARED_BYTES_MAX.get(capability(architecture), SHARED_BYTES_LEAST)
    return max(0, report(image, architecture, folder)["shared_bytes"] - limit)


def compile_all(images, architecture: str, folder: Path, jobs: int, progress=lambda *_: None):
    """Compiles what the folder lacks; returns ([stems compiled], [(image, error text)])."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [i for i in dict.fromkeys(images) if report(i, architecture, folder) is None]
    done, failed = [], []
    if not missing:
        return done, failed
    # Spawned, as compilers' threads do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(compile_image, i, architecture, str(folder)) for i in missing]
        for image, task in zip(missing, tasks):
            try:
                done.append(task.result())
            except Exception as error:
                failed.append((image, f"{type(error).__name__}: {error}"))
            progress(len(done) + len(failed), len(missing), image)
    return done, failed
