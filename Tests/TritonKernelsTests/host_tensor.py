"""What Triton's interpreter needs of a tensor, over a numpy array."""

import numpy as np

# The interpreter multiplies bf16 as if its bits were integers, so fp16 stands for both here.
ELEMENT_NAMES = {"float16": "fp16", "float32": "fp32", "int32": "i32", "int64": "i64"}


class HostTensor:
    """A tensor that is its own storage and its own copy on the host."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array)
        self.dtype = ELEMENT_NAMES[self.array.dtype.name]

    def data_ptr(self):
        return self.array.ctypes.data

    def untyped_storage(self):
        return self

    def cpu(self):
        return self

    def new_empty(self, *_, **__):
        return HostTensor.__new__(HostTensor)

    def set_(self, storage, *_):
        self.array, self.dtype = storage.array, storage.dtype

    def storage_offset(self):
        return 0

    def size(self):
        return self.array.shape

    def stride(self):
        return self.array.strides

    def copy_(self, other):
        assert other.array is self.array
