"""Section 7.3 of FORMAT.md: the times of a step, predicted from those before it."""

from .numbers import clamp, wrap

_LARGEST = 1 << 40


class Mean:
    def __init__(self, limit: int, shift: int):
        self.state = 0
        self.limit = 16 * limit
        self.shift = shift

    @property
    def value(self) -> int:
        return (self.state + 8) >> 4

    def add(self, value: int) -> None:
        surprise = 16 * clamp(wrap(value), _LARGEST) - self.state
        self.state += clamp(surprise, self.limit) >> self.shift


class Clock:
    """Gives a step's times from what the columns have of them, in units of the chunk."""

    def __init__(self, unit: int, gpu_unit: int, first: int, depth: int, shift: int):
        self.unit, self.gpu_unit = unit, gpu_unit
        self.first, self.depth, self.shift = first, depth, shift
        self.start_delay = Mean(32_000 // unit, 3)
        self.scheduling = Mean(64_000 // unit, 2)
        self.output_delay = Mean(1_024_000 // unit, 2)
        self.sampling = Mean(25_600 // gpu_unit, 2)
        self.gpu_times: dict[bool, int] = {}
        self.ended: list[int] = []

    def step(self, stored, has_output, has_gpu, has_forward, is_decode):
        """Stored start, end, output, GPU and forward; the true ones, None where absent."""
        if self.ended:
            base = self.ended[-self.depth] if len(self.ended) >= self.depth else self.ended[-1]
            start = wrap(base + self.start_delay.value + stored[0])
            self.start_delay.add(start - base)
        else:
            start = wrap(self.first + stored[0])
        end = wrap(start + self.scheduling.value + stored[1])
        self.scheduling.add(end - start)
        gpu = self._gpu_time(stored[3], is_decode) if has_gpu else None
        forward = None
        if has_forward:
            sampling = wrap(self.sampling.value + stored[4])
            self.sampling.add(sampling)
            forward = wrap((gpu or 0) - sampling)
        output = None
        if has_output:
            base = max(self.ended[-1], end) if self.ended else end
            if gpu is None:
                output = wrap(base + self.output_delay.value + stored[2])
                self.output_delay.add(output - base)
            else:
                output = wrap(base + wrap(gpu * self.gpu_unit) // self.unit + stored[2])
        self.ended = self.ended[-1:] + [end if output is None else output]
        return start, end, output, gpu, forward

    def _gpu_time(self, stored: int, is_decode: bool) -> int:
        expected = self.gpu_times.get(is_decode)
        gpu = wrap((0 if expected is None else (expected + 8) >> 4) + stored)
        seen = 16 * clamp(gpu, _LARGEST)
        self.gpu_times[is_decode] = (
            seen if expected is None else expected + ((seen - expected) >> self.shift)
        )
        return gpu
