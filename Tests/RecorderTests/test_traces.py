"""What is passed in comes out of the trace, row for row."""

import os
import random
import subprocess
import sys
import threading

import reprise_trace
from recorder import ENDED, INVALID, OK, UNKNOWN_TOKENS, Recorder, RecorderError, numbers

import pytest

ABSENT = reprise_trace.ABSENT


def named_rows(trace, index):
    ids = trace.requests.id
    return [[int(ids[request]), int(computed), int(query)] for request, computed, query in trace.steps.rows(index)]


def assert_same_rows(trace, passed):
    for index, number in enumerate(trace.steps.number.tolist()):
        assert named_rows(trace, index) == passed[number], f"step {number}"


class Engine:
    """Random batches with everything that a scheduler does to them, two steps in flight."""

    def __init__(self, recorder: Recorder, seed: int):
        self.recorder, self.dice = recorder, random.Random(seed)
        self.number, self.clock, self.next, self.prompts = 0, 10**12, 0, {}
        self.blocks, self.asked, self.made, self.outputs, self.preempted = {}, {}, {}, {}, {}

    def add(self):
        request, self.next = self.next, self.next + 1
        self.prompts[request] = self.dice.randint(1, 300)
        self.asked[request] = self.dice.choice([16, 100, 4000])
        blocks = [self.dice.getrandbits(64) for _ in range(self.dice.choice([0, 0, 5]))]
        self.blocks[request] = blocks
        assert self.recorder.add_request(request, self.clock, self.prompts[request], self.asked[request], blocks) == OK
        return (request, self.dice.choice([0, 0, 16]), self.dice.randint(1, 200))

    def step(self, steps: int):
        for _ in range(steps):
            dice, recorder = self.dice, self.recorder
            self.clock += dice.randint(10_000, 20_000_000)
            before = [row[0] for row in recorder.batch]
            gone = [request for request in before if dice.random() < 0.05]
            preempted = [request for request in before if request not in gone and dice.random() < 0.02]
            removed = gone + preempted
            stay = [request for request in before if request not in removed]
            changed = [(r, dice.randint(0, 900), dice.randint(1, 8)) for r in stay if dice.random() < 0.05]
            added = [self.add() for _ in range(dice.choice([0, 0, 0, 1, 3]))]
            self.number += dice.choice([1, 1, 1, 2])
            counts = (dice.randint(0, 5), len(stay) + len(added), dice.choice([-1, 1000 - len(stay)]))
            times = {"start": self.clock, "end": self.clock + 41_500, "counts": counts}
            if dice.random() < 0.3 and not (removed or changed or added):
                result = recorder.step_same(self.number, **times)
            elif dice.random() < 0.5:
                shuffled = dice.sample(removed, len(removed))
                result = recorder.step_changed(self.number, shuffled, changed, added, preempted=preempted, **times)
            else:
                new = {row[0]: row for row in changed}
                batch = [new.get(r, (r, c + q, 1)) for r, c, q in recorder.batch if r not in removed] + added
                result = recorder.step(self.number, batch, preempted=preempted, **times)
            assert result == OK, recorder.statistics().last_error
            self.preempted[self.number] = preempted
            # Those that left the batch ended before; a preempted one may come back as another would.
            tokens = [dice.randint(0, self.asked[r]) for r in gone]
            self.made |= dict(zip(gone, tokens, strict=True))
            self.outputs[self.number] = self.clock + dice.randint(1_000_000, 9_000_000)
            assert recorder.output(self.number, self.outputs[self.number], 1_234_567, gone, tokens) == OK


@pytest.mark.parametrize("seed", range(6))
def test_every_row_time_and_count_comes_back(library, reprise, tmp_path, seed):
    path = tmp_path / "a.reprise"
    zero = 10**12 - 5_000_000
    recorder = Recorder(library, path, {"time_zero_ns": zero, "time_unit_ns": 1 if seed % 2 else 1000})
    engine = Engine(recorder, seed)
    engine.step(400)
    result, statistics = recorder.close()
    assert (result, statistics.invalid_calls, statistics.last_error) == (OK, 0, b"")
    assert statistics.written_steps == statistics.steps == 400
    assert "400 steps" in reprise("trace", "verify", path)
    trace = reprise_trace.read(path)
    assert_same_rows(trace, recorder.passed)
    unit = 1 if seed % 2 else 1000
    for index, number in enumerate(trace.steps.number.tolist()):
        assert trace.steps.output[index] == (engine.outputs[number] - zero) // unit * unit
        assert trace.steps.gpu_time[index] == 1_234_567 // unit * unit
        preempted = [int(trace.requests.id[place]) for place in trace.steps.preempted[index]]
        assert preempted == engine.preempted[number]
    for place, request in enumerate(trace.requests.id.tolist()):
        assert trace.requests.prompt_tokens[place] == engine.prompts[request]
        assert trace.requests.prefix_blocks[place].tolist() == engine.blocks[request]
        if request in engine.made:
            assert trace.requests.output_tokens[place] == engine.made[request]
            assert trace.requests.output_limit[place] == engine.asked[request]
        else:
            assert trace.requests.output_tokens[place] == engine.asked[request]
            assert trace.requests.output_limit[place] == ABSENT


def test_a_request_that_ended_is_listed_by_the_next_step_scheduled(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    recorder.add_request(7, 0, 10, 50)
    recorder.step(1, [(7, 0, 10)])
    recorder.step_same(2)
    recorder.output(1, 5000, finished=[7], tokens=[1])
    recorder.step(3, [])
    recorder.output(2, 6000)
    recorder.close()
    steps = reprise_trace.read(tmp_path / "a.reprise").steps
    assert [steps.finished[index].tolist() for index in range(3)] == [[], [], [0]]
    assert steps.output.tolist() == [5000, 6000, ABSENT]


def test_without_a_count_the_rows_tell_the_tokens(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    recorder.add_request(0, 0, 10, 50)
    recorder.step(0, [(0, 0, 10)])
    for number in range(1, 5):
        recorder.step_same(number)
    recorder.finish([0])
    recorder.step(5, [])
    recorder.close()
    # The prompt's last row gives a token, and each of the four behind it another.
    assert reprise_trace.read(tmp_path / "a.reprise").requests.output_tokens.tolist() == [5]


def test_gpu_times_may_come_later(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise", {"late_steps": 4})
    recorder.add_request(0, 0, 1, 50)
    recorder.step(0, [(0, 0, 1)])
    for number in range(1, 12):
        recorder.step_same(number)
        recorder.output(number - 1, number * 1000)
        if number > 3:
            recorder.gpu_time(number - 3, number * 10_000, number * 9_000)
    recorder.close()
    steps = reprise_trace.read(tmp_path / "a.reprise").steps
    assert steps.gpu_time.tolist() == [ABSENT] + [(n + 3) * 10_000 for n in range(1, 9)] + [ABSENT] * 3
    assert steps.forward_time[1] == 36_000


def test_a_row_of_a_request_that_nobody_announced_makes_one(library, reprise, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise", header={"model": {"max_model_len": 100}})
    recorder.step(0, [(3, 20, 5), (4, 0, 9)], start=77_000)
    recorder.close()
    trace = reprise_trace.read(tmp_path / "a.reprise")
    assert trace.requests.id.tolist() == [3, 4]
    assert trace.requests.prompt_tokens.tolist() == [25, 9]
    assert trace.requests.arrival.tolist() == [77_000, 77_000]
    reprise("trace", "verify", tmp_path / "a.reprise")


def test_calls_that_cannot_be_change_nothing(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    recorder.step(5, [(0, 0, 3), (1, 0, 3)])
    assert recorder.step(5, []) == INVALID
    assert recorder.step_changed(6, removed=[9]) == INVALID
    assert recorder.step_changed(6, removed=[0, 0]) == INVALID
    assert recorder.step_changed(6, changed=[(0, 5, 0)]) == INVALID
    assert recorder.step_changed(6, removed=[1], changed=[(1, 5, 1)]) == INVALID
    assert recorder.step(6, [(0, 2**31, 1)]) == INVALID
    assert library.reprise_recorder_step(recorder.handle, None, None) == INVALID
    assert library.reprise_recorder_finish(recorder.handle, None, None, 3) == INVALID
    assert library.reprise_recorder_step_same(None, 1, 0, 0, 0, 0, 0) == ENDED
    assert recorder.statistics().invalid_calls == 8
    assert b"8 calls were refused" in recorder.statistics().last_error
    assert recorder.step_same(6) == OK
    recorder.close()
    assert_same_rows(reprise_trace.read(tmp_path / "a.reprise"), {5: [[0, 0, 3], [1, 0, 3]], 6: [[0, 3, 1], [1, 3, 1]]})


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"path": ""}, '"path" must be a file\'s name'),
        ({"ring_bytes": 5}, '"ring_bytes" must be a whole number from 65536 to 67108864'),
        ({"time_unit_ns": 10}, '"time_unit_ns" must be 1 or 1000'),
        ({"colour": 1}, '"colour" is not known'),
    ],
)
def test_options_that_cannot_be_are_named(library, tmp_path, options, reason):
    with pytest.raises(RecorderError) as error:
        Recorder(library, tmp_path / "a.reprise", options)
    assert reason in str(error.value) and "\n" not in str(error.value)
    assert os.listdir(tmp_path) == []


def test_recorders_in_one_process_do_not_meet(library, tmp_path):
    def record(name):
        recorder = Recorder(library, tmp_path / f"{name}.reprise")
        Engine(recorder, name).step(150)
        recorder.close()
        return recorder.passed

    passed = {}
    threads = [threading.Thread(target=lambda name=name: passed.update({name: record(name)})) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in range(4):
        assert_same_rows(reprise_trace.read(tmp_path / f"{name}.reprise"), passed[name])


def test_a_forked_child_leaves_its_parents_recorder_alone(library, reprise, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    recorder.add_request(0, 0, 1, 50)
    recorder.step(0, [(0, 0, 1)])
    child = os.fork()
    if child == 0:
        results = {recorder.step_same(1), recorder.output(0), recorder.flush(100), recorder.close()[0]}
        own = Recorder(library, tmp_path / "child.reprise")
        own.step(0, [(0, 0, 1)])
        os._exit(0 if results == {ENDED} and own.close()[0] == OK else 1)
    assert os.waitpid(child, 0)[1] == 0
    recorder.step_same(1)
    assert recorder.close()[0] == OK
    assert sorted(os.listdir(tmp_path)) == ["a.reprise", "child.reprise"]
    assert "2 steps" in reprise("trace", "verify", tmp_path / "a.reprise")


def test_rows_that_grow_past_every_limit_are_left_out(library, reprise, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    recorder.step(0, [(0, 2**31 - 4, 2)])
    recorder.output(0)
    for number in range(1, 5):
        recorder.step_same(number)
        recorder.output(number)
    recorder.step(5, [(1, 0, 1)])
    result, statistics = recorder.close()
    assert result == INVALID and b"cannot be" in statistics.last_error
    trace = reprise_trace.read(tmp_path / "a.reprise")
    assert trace.steps.number.tolist() == [0, 1, 5] and trace.gaps.dropped_steps.tolist() == [3]
    reprise("trace", "verify", tmp_path / "a.reprise")


def test_null_lists_are_empty(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise")
    assert library.reprise_recorder_output(recorder.handle, 0, 0, -1, None, None, 0) == OK
    assert library.reprise_recorder_finish(recorder.handle, numbers([]), None, 0) == OK
    assert recorder.add_request(1, limit=UNKNOWN_TOKENS) == OK
    assert recorder.close()[0] == OK


def test_a_header_says_which_sizes_of_steps_the_process_had_before(tmp_path, library_path):
    # In a process of its own, since sizes are the process's.
    script = """
import sys
from recorder import Recorder, load
path, first, second = sys.argv[1:]
library = load(path)
recorder = Recorder(library, first, header={"warmed_up_rows": "8-9"})
recorder.step(0, [(0, 0, 500), (1, 0, 20)])
recorder.step(1, [(0, 500, 1), (1, 20, 1), (2, 0, 1)])
recorder.close()
Recorder(library, second).close()
"""
    paths = [tmp_path / name for name in ("first.reprise", "second.reprise")]
    folder = os.path.dirname(os.path.abspath(__file__))
    subprocess.run([sys.executable, "-c", script, library_path, *paths], cwd=folder, check=True)
    headers = [reprise_trace.read(path).header for path in paths]
    assert [(header["warmed_up_rows"], header["warmed_up_tokens"]) for header in headers] == [("8-9", ""), ("2-3", "3,520")]
