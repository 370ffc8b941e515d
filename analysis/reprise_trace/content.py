"""Section 4 of FORMAT.md: the parameters and columns of a chunk."""

import numpy as np

from . import limits
from .errors import check
from .numbers import Stream


class Content:
    """What a chunk of `count` items was compressed from."""

    def __init__(self, data: bytes, count: int):
        self.count = count
        self._parameters: dict[int, int] = {}
        self._columns: dict[int, tuple[int, bytes]] = {}
        stream = Stream(data)
        for _ in range(stream.unsigned(limits.COLUMNS)):
            number, value = stream.unsigned(), stream.signed()
            self._parameters.setdefault(number, value)
        directory = []
        for _ in range(stream.unsigned(limits.COLUMNS)):
            number, form = stream.unsigned(), stream.unsigned()
            directory.append((number, form, form * count if form <= 8 else stream.unsigned()))
        for number, form, size in directory:
            column = stream.take(size)
            self._columns.setdefault(number, (form, column))
        check(stream.at_end(), "bytes behind the last column")

    def parameter(self, number: int, assumed: int, low: int | None = None, high: int = 0) -> int:
        value = self._parameters.get(number, assumed)
        check(low is None or low <= value <= high, f"parameter {number} is {value}")
        return value

    def planes(self, number: int) -> int:
        return self._columns.get(number, (0, b""))[0]

    def unsigned(self, number: int) -> np.ndarray:
        """A column's numbers, one for each item."""
        form, column = self._columns.get(number, (0, b""))
        check(form <= 8, f"column {number} has a wrong form")
        values = np.zeros(self.count, np.uint64)
        for plane in range(form):
            low = np.frombuffer(column, np.uint8, self.count, plane * self.count)
            values |= low.astype(np.uint64) << np.uint64(8 * plane)
        return values

    def signed(self, number: int) -> np.ndarray:
        values = self.unsigned(number)
        signs = (values & np.uint64(1)).astype(np.int64)
        return (values >> np.uint64(1)).astype(np.int64) ^ -signs

    def stream(self, number: int) -> Stream:
        form, column = self._columns.get(number, (9, b""))
        check(form == 9, f"column {number} has a wrong form")
        return Stream(column)
