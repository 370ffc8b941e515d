"""What recording does to the throughput of a real engine on this machine's processor.

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/throughput.py

One engine of vLLM with a tiny model decodes under full load: 64 requests run, others wait, one ends and one begins
every fourth step. The recording is taken off the scheduler and put back on in short blocks of steps, in pairs of one
with it and one without whose order is random: the machine's speed changes from second to second, and the blocks of a
pair are next to each other. Timed are the calls of `LLMEngine.step` (scheduling, model, sampling, outputs), but for the
first of a block: there the recorder catches up with what happened without it. Each timed step gives 64 tokens. Prints
Markdown.
"""

import gc
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))
os.environ |= {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "VLLM_CPU_KVCACHE_SPACE": "1"}
# The engine runs in this process, on one core: the recorder's thread has the other.
os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}

import tiny
from reprise_vllm_recorder import hooks

RUNNING, PROMPT, OUTPUTS = 64, 32, 256
BLOCK, UNTIMED = 4, 1
SECONDS = float(os.environ.get("SECONDS_TO_RUN", "150"))
# The part of the pairs that an estimate leaves out at each end, and draws of its interval.
TRIMMED, DRAWS = 0.25, 2000
# How much nicer than the process the recorder's thread is.
NICENESS = 5


class Load:
    """An engine that always has as many requests as it can run, and one more."""

    def __init__(self, engine, parameters):
        self.engine, self.parameters = engine, parameters
        self.added = 0
        self.ended = []

    def add(self, outputs):
        prompt = {"prompt_token_ids": [5 + self.added % 900] * PROMPT}
        self.engine.add_request(f"request-{self.added}", prompt, self.parameters(outputs))
        self.added += 1

    def step(self):
        """Nanoseconds of a step of the engine: as time passes, and of the processor."""
        start = time.perf_counter_ns(), time.thread_time_ns()
        outputs = self.engine.step()
        span = time.perf_counter_ns() - start[0], time.thread_time_ns() - start[1]
        assert len(outputs) == RUNNING, "the engine was to be full"
        for output in outputs:
            if output.finished:
                self.add(OUTPUTS)
        return span


class Switch:
    """Takes the recording off the scheduler and puts it back on. The plugin's wrappers stay, and pass calls on."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.recording = getattr(scheduler, hooks.SLOT)
        self.known = set()
        self.turn(True)

    def turn(self, on):
        setattr(self.scheduler, hooks.SLOT, self.recording if on else None)
        alive = set(self.scheduler.requests)
        if on:
            nothing = SimpleNamespace(req_ids=[], num_computed_tokens=[])
            self.recording.scheduled(
                SimpleNamespace(
                    num_scheduled_tokens={}, total_num_scheduled_tokens=0, scheduled_new_reqs=[], scheduled_cached_reqs=nothing,
                    finished_req_ids=self.known - alive, preempted_req_ids=set()), 0, 0)  # fmt: skip
        self.known = alive


def block(load, switch, on):
    """Nanoseconds of a block's timed steps: as time passes, and of the processor."""
    switch.turn(on)
    spans = [load.step() for _ in range(BLOCK)]
    return tuple(sum(column) for column in zip(*spans[UNTIMED:]))


def trimmed(values):
    cut = int(len(values) * TRIMMED)
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def interval(values, estimate, dice):
    draws = sorted(estimate(dice.choices(values, k=len(values))) for _ in range(DRAWS))
    return draws[int(DRAWS * 0.025)], draws[int(DRAWS * 0.975)]


def writer_seconds():
    """Processor time of the recorder's thread, told by its niceness."""
    spent = []
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        if int(fields[16]) == os.nice(0) + NICENESS:
            spent.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    (seconds,) = spent
    return seconds


def main():
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        os.environ["REPRISE_TRACE"] = str(Path(name) / "throughput.reprise")
        import torch
        from vllm import LLM, SamplingParams

        torch.set_num_threads(1)
        engine = LLM(
            model=str(tiny.write_model(Path(name))), load_format="dummy", skip_tokenizer_init=True, enforce_eager=True,
            max_model_len=2048, block_size=32, enable_prefix_caching=False, max_num_seqs=RUNNING,
            async_scheduling=False).llm_engine  # fmt: skip
        load = Load(engine, lambda outputs: SamplingParams(max_tokens=outputs, ignore_eos=True, detokenize=False))
        # They end one after the other, evenly.
        for place in range(RUNNING):
            load.add((place + 1) * OUTPUTS // RUNNING)
        load.add(OUTPUTS)
        for _ in range(2 * OUTPUTS):
            load.step()
        scheduler = engine.engine_core.engine_core.scheduler
        assert getattr(scheduler, hooks.SLOT, None) is not None, "the plugin does not record"
        switch = Switch(scheduler)
        gc.collect()
        gc.freeze()
        dice, pairs, began, written = random.Random(1), [], time.monotonic(), writer_seconds()
        while time.monotonic() - began < SECONDS:
            order = dice.sample((True, False), 2)
            times = {on: block(load, switch, on) for on in order}
            pairs.append(times)
        switch.turn(True)
        elapsed = time.monotonic() - began
        counts = switch.recording.recorder.read_statistics()
        assert counts.dropped_steps == 0 and counts.invalid_calls == 0, counts.last_error
        step = statistics.median(pair[False][0] for pair in pairs) / (BLOCK - UNTIMED) / 1e6
        print(f"{len(pairs)} pairs of blocks of {BLOCK - UNTIMED} timed steps, steps read in {switch.recording.language}; "
              f"a step without the plugin: {step:.2f} ms, {1000 * RUNNING / step:.0f} tokens/s.\n")  # fmt: skip
        print("| throughput with the plugin | % | 95 % interval |\n|---|---:|---|")
        for clock, of in enumerate(("", ", by processor time of the engine's thread")):
            changes = [100 * (pair[False][clock] / pair[True][clock] - 1) for pair in pairs]
            for title, estimate in (("mean of the pairs, a quarter left out at each end", trimmed), ("median", statistics.median)):
                low, high = interval(changes, estimate, dice)
                print(f"| {title}{of} | {estimate(changes):+.2f} | {low:+.2f} to {high:+.2f} |")
        print(f"\nThe recorder's own thread took {100 * (writer_seconds() - written) / elapsed:.2f} % of a core meanwhile.")


if __name__ == "__main__":
    main()
