"""Puts the library that the checkout has built, if it has, into the package, and compiles what each step needs.

Without a C compiler or Python's headers the package does the same in Python; pyproject.toml has the rest.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

LIBRARY = "libRepriseRecorder.so"
# One build serves this version of Python and all later ones; the interface of 3.9 has not all that is needed, and
# Pythons without their lock have none.
LIMITED = (3, 10)
is_limited = sys.version_info >= LIMITED and not sysconfig.get_config_var("Py_GIL_DISABLED")


class BuildWithLibrary(build_py):
    """Copies the library of a release build; without one, REPRISE_RECORDER_LIBRARY has to name it."""

    def run(self):
        super().run()
        built = Path(__file__).resolve().parents[2] / ".build" / "release" / LIBRARY
        package = Path(self.build_lib) / "reprise_vllm_recorder"
        if built.is_file():
            package.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(built, package / LIBRARY)
        elif not (package / LIBRARY).is_file():
            print(f"{built} is not there: build it first, or set REPRISE_RECORDER_LIBRARY when vLLM starts")


steps = Extension(
    "reprise_vllm_recorder._steps",
    sources=[f"steps/{name}.c" for name in ("batch", "module", "record", "requests")],
    depends=["steps/steps.h"],
    include_dirs=["../CRepriseRecorder/include"],
    define_macros=[("Py_LIMITED_API", f"0x{LIMITED[0]:02x}{LIMITED[1]:02x}0000")] if is_limited else [],
    py_limited_api=is_limited,
    optional=True,
)
setup(
    cmdclass={"build_py": BuildWithLibrary},
    ext_modules=[steps],
    options={"bdist_wheel": {"py_limited_api": f"cp{LIMITED[0]}{LIMITED[1]}"}} if is_limited else {},
)
