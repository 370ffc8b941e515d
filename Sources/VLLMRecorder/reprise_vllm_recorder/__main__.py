"""Says what of the plugin is installed here: `python -m reprise_vllm_recorder`."""

from . import compiled, library

try:
    library.load()
    print(f"library: {library.find()}, interface {library.ABI}")
except library.LibraryError as error:
    print(f"library: none ({error})")
print(f"steps are read in Python: {compiled.MISSING}" if compiled.MISSING else "steps are read in C")
