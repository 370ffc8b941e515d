"""What is wrong with a trace, and where."""


class TraceError(Exception):
    """One line: what is wrong, in which chunk (from 0), at which byte of the file."""

    def __init__(self, what: str, chunk: int | None = None, offset: int | None = None):
        place = "" if chunk is None else f"chunk {chunk}, "
        place += "" if offset is None else f"byte {offset}: "
        super().__init__(place + what)
        self.what = what
        self.chunk = chunk
        self.offset = offset


def check(holds: bool, what: str) -> None:
    """Raises what is wrong where something does not hold; the place is added on the way out."""
    if not holds:
        raise TraceError(what)
