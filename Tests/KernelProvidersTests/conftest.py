"""The providers' package; what needs a GPU skips and says so."""

import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "Sources" / "KernelProviders"
sys.path.insert(0, str(SOURCES))
