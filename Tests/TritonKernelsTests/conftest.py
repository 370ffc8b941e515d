"""Kernels run in Triton's interpreter here; compiling is tested in processes of its own."""

import os
import sys
from pathlib import Path

# Read when triton is first imported, so it must stand before any test module.
os.environ["TRITON_INTERPRET"] = "1"
SOURCES = Path(__file__).resolve().parents[2] / "Sources" / "TritonKernels"
sys.path.insert(0, str(SOURCES))
