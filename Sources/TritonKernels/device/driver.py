"""Compiled images loaded and launched through the CUDA driver, as Reprise itself does it."""

import ctypes
from pathlib import Path

from reprise_kernels.compiler import report, signature, stem
from reprise_kernels.images import Image

SCALARS = {"i32": ctypes.c_int32, "i64": ctypes.c_int64, "fp32": ctypes.c_float}
MAX_DYNAMIC_SHARED = 8
NUM_REGS, LOCAL_BYTES = 4, 3
PREFER_SHARED = 1
# Above this a function must ask for its dynamic shared memory.
SHARED_WITHOUT_ASKING = 48 * 1024


class Driver:
    """The driver's functions, every call checked."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status != 0:
            text = ctypes.c_char_p()
            self.library.cuGetErrorName(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'?').decode()} ({status})")


class Function:
    """An image's function in the current context."""

    def __init__(self, driver: Driver, image: Image, architecture: str, folder: Path):
        self.driver = driver
        self.arguments = signature(image)
        found = report(image, architecture, folder)
        self.threads, self.shared = found["threads"], found["shared_bytes"]
        if found["global_scratch_bytes"] or found["profile_scratch_bytes"]:
            raise RuntimeError(f"{image.kernel} asks for scratch memory, which nothing gives it")
        module, self.handle = ctypes.c_void_p(), ctypes.c_void_p()
        cubin = (folder / f"{stem(image, architecture)}.cubin").read_bytes()
        driver.call("cuModuleLoadData", ctypes.byref(module), cubin)
        entry = found["entry"].encode()
        driver.call("cuModuleGetFunction", ctypes.byref(self.handle), module, entry)
        if self.shared > SHARED_WITHOUT_ASKING:
            driver.call("cuFuncSetCacheConfig", self.handle, PREFER_SHARED)
            driver.call("cuFuncSetAttribute", self.handle, MAX_DYNAMIC_SHARED, self.shared)
        self.registers = self.attribute(NUM_REGS)
        self.spilled_bytes = self.attribute(LOCAL_BYTES)

    def attribute(self, number):
        value = ctypes.c_int()
        self.driver.call("cuFuncGetAttribute", ctypes.byref(value), number, self.handle)
        return value.value

    def bind(self, grid, values):
        """A call that takes a stream; `values` maps parameter names to numbers and addresses."""
        slots = [pack(parameter, values[parameter[0]]) for parameter in self.arguments]
        # Global and profile scratch, unused by these kernels.
        slots += [ctypes.c_uint64(0), ctypes.c_uint64(0)]
        pointers = (ctypes.c_void_p * len(slots))(*[ctypes.addressof(slot) for slot in slots])

        def launch(stream, _keep=slots):
            self.driver.call(
                "cuLaunchKernel",
                self.handle,
                *[ctypes.c_uint(extent) for extent in grid],
                ctypes.c_uint(self.threads),
                ctypes.c_uint(1),
                ctypes.c_uint(1),
                ctypes.c_uint(self.shared),
                ctypes.c_void_p(stream),
                pointers,
                None,
            )

        return launch


def pack(parameter, value):
    """One argument in its own storage; a value that breaks the compiler's hint is a bug here."""
    name, kind, divisor = parameter
    if divisor > 1 and value % divisor:
        raise ValueError(f"{name} = {value} is not divisible by {divisor}")
    return ctypes.c_uint64(value) if kind.startswith("*") else SCALARS[kind](value)
