"""One file a provider. Each gives `PACKAGE`, the name that pip knows, and `VARIANTS`: name → prepare.

`prepare(inputs)` does all that an engine does once a step, outside the timing, and returns a
function that launches the kernel on copy `i` of the KV and writes `inputs.output` (or returns the
output). It raises `Unsuited` for batches that the kernel does not run. Imports of the package stand
inside of it, so that the list of providers needs none of them.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from importlib import metadata
from typing import Callable


class Unsuited(Exception):
    """A batch that a kernel does not run; the message says why."""


@dataclass(frozen=True)
class ProvidedVariant:
    """A kernel of an installed package; `name` such as `vllm-0.24.0/triton-3d-16`."""

    name: str
    image: str
    prepare: Callable


def installed_variants():
    """Every variant of every provider whose package is installed, by name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        provider = importlib.import_module(f".{module.name}", __name__)
        version = installed_version(provider.PACKAGE)
        if version is None:
            continue
        short = provider.PACKAGE.removesuffix("-python")
        for name, prepare in provider.VARIANTS.items():
            full = f"{short}-{version}/{name}"
            found[full] = ProvidedVariant(full, f"{provider.PACKAGE} {version}", prepare)
    return found


def installed_version(package):
    """The version of an installed package, or what its module says of itself; None without it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        pass
    try:
        module = importlib.import_module(package.removesuffix("-python").replace("-", "_"))
    except ImportError:
        return None
    return getattr(module, "__version__", None)
