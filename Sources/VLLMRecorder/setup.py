"""Puts the library that the checkout has built, if it has, into the package, and compiles what each step needs.

Without a C compiler or Python's headers the package does the same in Python; pyproject.toml has the rest.
"""

import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

LIBRARY = "libRepriseRecorder.so"


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
    optional=True,
)
# Built for one version of Python: the interface that serves several has a call for each element of a list.
setup(cmdclass={"build_py": BuildWithLibrary}, ext_modules=[steps])
