"""What is in the chunks of `.reprise` traces: numbers, columns, requests, gaps, steps. Wrong content raises ValueError or StopIteration."""

import struct
from collections import defaultdict
from itertools import accumulate

import numpy

COLUMNS_MAX, PREFIX_BLOCKS_MAX, TOKENS_MAX = 64, 1 << 20, (1 << 31) - 1
AVERAGED_MAX, CLASSES, WORD = 1 << 40, 128, (1 << 64) - 1

ABSENT = numpy.iinfo(numpy.int64).min
"""Stands in a step's column where the engine did not report the value."""

REQUEST_COLUMNS = "id arrival_us prompt_tokens output_tokens".split()
STEP_COLUMNS = (
    "number schedule_start_us schedule_end_us output_us gpu_tenths_us forward_tenths_us waiting running free_kv_blocks"
).split()
OFFSETS = {"row_offsets": "request", "preempted_offsets": "preempted", "finished_offsets": "finished"}
RAGGED_COLUMNS = "request computed new_tokens preempted finished".split()


def varints(data):
    octets = numpy.frombuffer(data, numpy.uint8)
    last = numpy.flatnonzero(octets < 0x80)
    first = numpy.append(0, last + 1)
    if first[-1] != len(octets):
        raise ValueError("the last number is cut")
    first, length = first[:-1], numpy.diff(first)
    if numpy.any(length > 10) or numpy.any(octets[last[length == 10]] > 1):
        raise ValueError("a number of more than 64 bits")
    values = numpy.zeros(len(last), numpy.uint64)
    for i in range(length.max(initial=0)):
        longer = numpy.flatnonzero(length > i)
        values[longer] |= (octets[first[longer] + i] & 0x7F).astype(numpy.uint64) << numpy.uint64(7 * i)
    return values.tolist()


def zigzag(value):
    return value >> 1 ^ -(value & 1)


def zigzags(data):
    return [value >> 1 ^ -(value & 1) for value in varints(data)]


class Average:
    def __init__(self):
        self.sixteenths, self.value = None, 0

    def add(self, value):
        value = 16 * max(-AVERAGED_MAX, min(AVERAGED_MAX, value))
        self.sixteenths = value if self.sixteenths is None else self.sixteenths + (value - self.sixteenths >> 1)
        self.value = self.sixteenths >> 4


def split_columns(content):
    """The bytes of each column by its number; one that was left out is empty."""
    (count,) = struct.unpack_from("<H", content)
    columns, end = defaultdict(bytes), 2 + 6 * count
    for place in range(count):
        number, size = struct.unpack_from("<HI", content, 2 + 6 * place)
        if number in columns:
            raise ValueError(f"column {number} is there twice")
        columns[number], end = content[end : end + size], end + size
    if count > COLUMNS_MAX or end != len(content):
        raise ValueError("the columns are too many or do not fill the content")
    return columns


def read_requests(content, items, requests):
    columns = split_columns(content)
    ids, arrivals = zigzags(columns[1]), zigzags(columns[2])
    prompts, outputs, counts = (varints(columns[number]) for number in (3, 4, 5))
    if {len(column) for column in (ids, arrivals, prompts, outputs, counts)} != {items}:
        raise ValueError(f"columns are not of {items} requests")
    if max(prompts + outputs, default=0) > TOKENS_MAX or max(counts, default=0) > PREFIX_BLOCKS_MAX:
        raise ValueError("a request with too many tokens or prefix blocks")
    requests["id"] += (total - 1 for total in accumulate(value + 1 for value in ids))
    requests["arrival_us"] += accumulate(arrivals)
    requests["prompt_tokens"] += prompts
    requests["output_tokens"] += outputs
    codes, unseen = iter(varints(columns[6])), 0
    for count in counts:
        blocks, last = [], WORD
        for _ in range(count):
            code = next(codes)
            last = last + 1 + zigzag(code - 1) & WORD if code else unseen
            blocks.append(last)
            if unseen <= last < WORD:
                unseen = last + 1
        requests["prefix_blocks"].append(numpy.array(blocks, numpy.uint64))
    if next(codes, None) is not None:
        raise ValueError("prefix blocks of no request")


def read_gaps(content, items, gaps):
    values = zigzags(content)
    if len(values) != 2 * items:
        raise ValueError(f"not {items} gaps")
    gaps["after_step"] += accumulate(values[0::2])
    gaps["dropped_steps"] += values[1::2]


def next_place(codes, before, limit):
    place = before + 1 + next(codes)
    if place >= limit:
        raise ValueError("an edit of a row that is not there")
    return place


class Batches:
    """The rows of a chunk's steps, and what they say about the next step's rows and finished requests."""

    def __init__(self, requests):
        self.prompts, self.outputs = requests["prompt_tokens"], requests["output_tokens"]
        self.expected, self.done, self.next_request = [], [], 0

    def known(self, codes, count):
        requests = [next(codes) for _ in range(count)]
        if any(request >= len(self.prompts) for request in requests):
            raise ValueError("a request that does not exist")
        return requests

    def finished(self, codes, start):
        due = [request for request, out in self.done if out <= start]
        self.done = [(request, out) for request, out in self.done if out > start]
        count = next(codes)
        return self.known(codes, count - 1) if count else due

    def rows(self, mode, codes):
        """The step's rows as (request, computed, new)."""
        if mode > 2:
            raise ValueError(f"rows stored in way {mode}")
        rows = self.expected if mode < 2 else []
        if mode == 1:
            left_out, place = set(), -1
            for _ in range(next(codes)):
                place = next_place(codes, place, len(rows))
                left_out.add(place)
            rows = [row for place, row in enumerate(rows) if place not in left_out]
            place = -1
            for _ in range(next(codes)):
                place = next_place(codes, place, len(rows))
                request, computed, new = rows[place]
                rows[place] = request, computed + zigzag(next(codes)), new + zigzag(next(codes))
        if mode > 0:
            follows = self.next_request
            for _ in range(next(codes)):
                request = follows + zigzag(next(codes))
                rows.append((request, next(codes), next(codes) + 1))
                follows = request + 1
        for request, computed, new in rows:
            if not 0 <= request < len(self.prompts) or computed < 0 or new < 1 or computed + new > TOKENS_MAX:
                raise ValueError(f"row {[request, computed, new]} is not valid")
        return rows

    def predict(self, rows, out):
        self.expected = []
        for request, computed, new in rows:
            self.next_request = max(self.next_request, request + 1)
            computed, prompt = computed + new, self.prompts[request]
            if computed >= min(prompt + self.outputs[request] - 1, TOKENS_MAX):
                self.done.append((request, out))
            else:
                self.expected.append((request, computed, max(prompt - computed, 1)))


def append_ragged(steps, rows, preempted, finished):
    for name, values in zip(("request", "computed", "new_tokens"), zip(*rows)):
        steps[name] += values
    steps["preempted"] += preempted
    steps["finished"] += finished
    for name, column in OFFSETS.items():
        steps[name].append(len(steps[column]))


def read_steps(content, items, requests, steps):
    """Returns what the index repeats: the first schedule_start, and how much later the latest output is."""
    columns = split_columns(content)
    number_of, start_of, end_of, output_of, gpu_of, forward_of, waiting_of, running_of, free_of = codes = [
        iter(zigzags(columns[column])) for column in range(2, 11)
    ]
    bits_of, mode_of, row_codes, preempted_codes, finished_codes = [
        iter(varints(columns[column])) for column in (1, 11, 12, 13, 14)
    ]
    batches, delay, scheduling, after_forward = Batches(requests), Average(), Average(), Average()
    gpu_averages = [Average() for _ in range(CLASSES)]
    number, older, newer, waiting_now, free_now = -1, 0, 0, 0, 0
    starts, outs = [], []
    for _ in range(items):
        output = gpu = forward = waiting = running = free = ABSENT
        bits, gpu_or_zero = next(bits_of), 0
        number += 1 + next(number_of)
        start = older + delay.value + next(start_of)
        end = start + scheduling.value + next(end_of)
        finished = batches.finished(finished_codes, start)
        preempted = batches.known(preempted_codes, next(preempted_codes))
        rows = batches.rows(next(mode_of), row_codes)
        if bits & 2:
            average = gpu_averages[2 * min(len(rows), 63) + any(new > 1 for _, _, new in rows)]
            gpu = gpu_or_zero = average.value + next(gpu_of)
            average.add(gpu)
        if bits & 4:
            difference = after_forward.value + next(forward_of)
            forward = gpu_or_zero - difference
            after_forward.add(difference)
        if bits & 1:
            tenths = gpu_or_zero + 5
            output = max(newer, end) + (tenths // 10 if tenths >= 0 else -(-tenths // 10)) + next(output_of)
        if bits & 8:
            waiting = waiting_now = waiting_now + next(waiting_of)
        if bits & 16:
            running = len(rows) + next(running_of)
        if bits & 32:
            free = free_now = free_now + next(free_of)
        out = output if bits & 1 else end
        values = number, start, end, output, gpu, forward, waiting, running, free
        for name, value in zip(STEP_COLUMNS, values):
            steps[name].append(value)
        append_ragged(steps, rows, preempted, finished)
        starts.append(start)
        outs.append(out)
        batches.predict(rows, out)
        delay.add(start - older)
        scheduling.add(end - start)
        older, newer = newer, out
    codes += bits_of, mode_of, row_codes, preempted_codes, finished_codes
    if any(next(rest, None) is not None for rest in codes):
        raise ValueError("numbers behind the last step")
    if not starts:
        raise ValueError("a chunk of no steps")
    return starts[0], max(outs) - starts[0]
