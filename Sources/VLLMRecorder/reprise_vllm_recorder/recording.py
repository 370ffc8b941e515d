"""What is recorded of one scheduler: requests, steps, outputs, ends. Lengths and times, never text or tokens."""

from array import array
from collections import deque
from ctypes import addressof
from time import monotonic_ns, time_ns

from .batch import Batch
from .block_hashes import BlockHashes
from .library import UNKNOWN_TIME, UNKNOWN_TOKENS, Rows, StepInfo, pack_step, pass_rows

# Steps whose output is awaited; vLLM has two, or as many as pipeline stages. More were lost.
IN_FLIGHT = 64


class Recording:
    """Follows a scheduler and passes what it does to the library."""

    language = "Python"

    def __init__(self, scheduler, recorder, path, time_zero, hashes):
        self.scheduler = scheduler
        self.recorder = recorder
        self.time_zero = time_zero
        self.path = path
        self.hashes = BlockHashes(scheduler) if hashes else None
        self.gpu_times = None
        self.batch = Batch()
        # Requests that have been in a step and have not ended, by vLLM's name: numbers, and vLLM's objects.
        self.numbers = {}
        self.requests = {}
        self.next_request = 0
        self.next_step = 0
        self.in_flight = deque(maxlen=IN_FLIGHT)
        # Numbers of steps whose tokens have come, and when, that the library has not heard of.
        self.outputs = []
        # Numbers of requests preempted since the last step that had rows.
        self.preempted = array("I")
        self.info = StepInfo()
        self.rows, self.added_rows = Rows(), Rows()
        self.info_address = addressof(self.info)
        self.step = recorder.step
        self.step_changed = recorder.step_changed
        self.output = recorder.output
        self.free_blocks = getattr(scheduler.kv_cache_manager.block_pool, "get_num_free_blocks", None)
        # Besides `waiting`, by the names of some versions.
        others = ("skipped_waiting", "kv_holding_waiting")
        self.other_queues = [name for name in others if hasattr(scheduler, name)]

    def scheduled(self, output, start, end):
        """Records a step; `output` is what `schedule` returned, the times bracket that call."""
        self.pass_outputs(output.finished_req_ids)
        tokens = output.num_scheduled_tokens
        if output.scheduled_new_reqs:
            self.add(output.scheduled_new_reqs, start)
        preempted = getattr(output, "preempted_req_ids", None)
        if preempted:
            self.preempt(preempted)
        if not tokens:
            return
        batch = self.batch
        if preempted is None and batch.names != output.scheduled_cached_reqs.req_ids:
            self.look_for_preempted(tokens)
        try:
            follows = batch.follow(output, self.numbers, self.requests)
        except KeyError:
            self.add_unknown(tokens, start)
            follows = False
        batch.ended.clear()
        scheduler = self.scheduler
        waiting = len(scheduler.waiting)
        for name in self.other_queues:
            waiting += len(getattr(scheduler, name))
        number = self.next_step
        self.next_step = number + 1
        address, count = self.preempted.buffer_info() if self.preempted else (0, 0)
        free = self.free_blocks() if self.free_blocks else -1
        pack_step(self.info, 0, number, start, end, waiting, len(scheduler.running), free, 0, address, count)
        if not follows or self.pass_changes() < 0:
            batch.rows(output, self.numbers)
            if self.step(self.recorder.handle, self.info_address, pass_rows(self.rows, batch.columns)) < 0:
                batch.reached = -1
        if count:
            self.preempted = array("I")
        self.in_flight.append((output, number))
        if self.gpu_times:
            self.gpu_times.scheduled(output, number)

    def pass_changes(self):
        """Passes a step that differs from the last one in few rows; negative where the library refuses."""
        batch = self.batch
        removed, changed, added = batch.removed, batch.changed, batch.added
        address, count = removed.buffer_info() if removed else (None, 0)
        return self.step_changed(
            self.recorder.handle,
            self.info_address,
            address,
            count,
            pass_rows(self.rows, changed) if changed else None,
            pass_rows(self.added_rows, added) if added else None,
        )

    def updated(self, output, moment):
        """Notes that a step's tokens have come; `output` is what `schedule` returned for it.

        The library hears of it with the next step, since calls in a row cost less than calls apart; or at once where
        none follows.
        """
        flights = self.in_flight
        if flights and flights[0][0] is output:
            self.outputs.append((flights.popleft()[1], moment))
        else:
            number = self.find(output)
            if number is not None:
                self.outputs.append((number, moment))
        scheduler = self.scheduler
        if not scheduler.running:
            self.pass_outputs(scheduler.finished_req_ids)
        if self.gpu_times:
            self.gpu_times.collect()

    def pass_outputs(self, ended):
        """Passes the steps whose tokens have come, and then the requests that ended."""
        for number, moment in self.outputs:
            self.output(self.recorder.handle, number, moment, UNKNOWN_TIME, None, None, 0)
        self.outputs.clear()
        if ended:
            self.end(ended)

    def find(self, output):
        """The number of a step whose output comes out of turn; None for one without rows."""
        for place, (other, number) in enumerate(self.in_flight):
            if other is output:
                del self.in_flight[place]
                return number
        return None

    def add(self, new, now):
        """Records requests that are scheduled for the first time; some versions list resumed ones too."""
        for scheduled in new:
            if scheduled.req_id not in self.numbers:
                self.add_request(self.scheduler.requests[scheduled.req_id], now)

    def add_request(self, request, now):
        """Records a request, which arrived after the trace's time zero and before its first step."""
        name, number = request.request_id, self.next_request
        self.next_request = number + 1
        # vLLM's front end takes the time of day; the offset between the clocks moves.
        arrival = int(request.arrival_time * 1e9) + monotonic_ns() - time_ns()
        arrival = min(now, max(self.time_zero, arrival))
        limit = request.max_tokens
        prompt = request.num_prompt_tokens
        blocks = self.hashes.of(request) if self.hashes else None
        address, count = blocks.buffer_info() if blocks else (None, 0)
        self.recorder.add_request(
            self.recorder.handle, number, arrival, prompt, UNKNOWN_TOKENS if limit is None else limit, address, count
        )
        self.numbers[name] = number
        self.requests[name] = request

    def add_unknown(self, tokens, now):
        """Records requests that have rows without having been announced."""
        for name in tokens:
            if name not in self.numbers:
                self.add_request(self.scheduler.requests[name], now)

    def preempt(self, names):
        """Notes preempted requests: those that came last first, as vLLM takes them."""
        numbers = sorted((self.numbers[name] for name in names if name in self.numbers), reverse=True)
        self.preempted.extend(numbers)

    def look_for_preempted(self, tokens):
        """Versions before 0.12 do not say whom they preempted: of the last step's rows, those that wait again."""
        gone = [name for name in self.batch.names if name not in tokens and name in self.requests]
        self.preempt([name for name in gone if self.requests[name].status.name == "PREEMPTED"])

    def end(self, names):
        """Records that requests have ended, once for each, and with how many tokens."""
        numbers, lengths = array("I"), array("I")
        for name in names:
            number = self.numbers.pop(name, None)
            if number is not None:
                request = self.requests.pop(name)
                numbers.append(number)
                lengths.append(request.num_output_tokens)
                self.batch.ended[name] = (number, request.num_computed_tokens)
        if numbers:
            address, count = numbers.buffer_info()
            self.recorder.finish(self.recorder.handle, address, lengths.buffer_info()[0], count)

    def take_gpu_times(self, times):
        """Makes `times` hear of the steps; None for none."""
        self.gpu_times = times

    def held(self):
        """How many requests, steps in flight and outputs that the library has not heard of are held."""
        return len(self.requests) + len(self.batch.ended), len(self.in_flight), len(self.outputs)

    def close(self):
        """Completes the trace; what was recorded, or None if it was closed before."""
        if not self.recorder.handle:
            return None
        self.pass_outputs(self.scheduler.finished_req_ids)
        if self.gpu_times:
            self.gpu_times.collect()
        self.numbers.clear()
        self.requests.clear()
        self.in_flight.clear()
        return self.recorder.finish_file()
