"""Reading steps in C and in Python, side by side, from batches made up here; no vLLM runs."""

import gc
import os
import random
import shutil
import subprocess
import sys
import tracemalloc
import weakref
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from conftest import CHECKOUT, can_compile
from driving import Trace

FLUSHED_EVERY = 100


@dataclass
class Queued:
    """What of vLLM's request is read."""

    request_id: str
    num_prompt_tokens: int
    max_tokens: int
    num_output_tokens: int = 0
    num_computed_tokens: int = 0
    arrival_time: float = 0.0
    status: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(name="RUNNING"))


def make_scheduler():
    pool = SimpleNamespace(get_num_free_blocks=lambda: 77)
    return SimpleNamespace(
        requests={}, waiting=[], running=[], finished_req_ids=set(), kv_cache_manager=SimpleNamespace(block_pool=pool)
    )


def make_output(scheduler, rows, new=(), **members):
    """A scheduler's output; `rows` are names, computed and new tokens, `new` the names of those that begin."""
    cached = [row for row in rows if row[0] not in new]
    output = SimpleNamespace(
        num_scheduled_tokens={name: query for name, _, query in rows},
        total_num_scheduled_tokens=sum(query for _, _, query in rows),
        scheduled_new_reqs=[SimpleNamespace(req_id=name, num_computed_tokens=c) for name, c, _ in rows if name in new],
        scheduled_cached_reqs=SimpleNamespace(
            req_ids=[row[0] for row in cached], num_computed_tokens=[row[1] for row in cached]),
        finished_req_ids=scheduler.finished_req_ids)  # fmt: skip
    output.__dict__.update(members)
    scheduler.finished_req_ids = set()
    return output


def open_recording(language, scheduler, path, **options):
    from reprise_vllm_recorder import library, opening

    recorder = library.Recorder(library.load(), {"path": str(path), **options}, {"schema": "engine-step-log/1"})
    return opening.recording_class({"REPRISE_RECORDER_STEPS": language})(scheduler, recorder, str(path), 0, False)


@pytest.fixture
def found(monkeypatch, library):
    from reprise_vllm_recorder import compiled

    if compiled.MISSING and not can_compile():
        pytest.skip("SKIPPED: there is no C compiler here, or no python3-dev")
    monkeypatch.setenv("REPRISE_RECORDER_LIBRARY", str(library))


class Engine:
    """Batches at random: requests come, go, wait again, come back, change places and fall behind."""

    def __init__(self, seed, says_preempted):
        self.dice = random.Random(seed)
        self.says_preempted = says_preempted
        self.scheduler = make_scheduler()
        self.running, self.preempted, self.count = [], [], 0
        self.numbers, self.expected = {}, []

    def begin(self):
        request = Queued(f"request {self.count}", self.dice.randint(1, 50), self.dice.randint(1, 60))
        self.count += 1
        self.scheduler.requests[request.request_id] = request
        return request

    def end(self, request):
        self.running.remove(request)
        del self.scheduler.requests[request.request_id]
        self.scheduler.finished_req_ids.add(request.request_id)

    def schedule(self):
        dice, preempted, back, rows = self.dice, set(), [], []
        for request in list(self.running):
            if dice.random() < 0.02:
                self.end(request)
            elif dice.random() < 0.02 and len(self.running) > 1:
                self.running.remove(request)
                self.preempted.append(request)
                request.num_computed_tokens, request.status.name = 0, "PREEMPTED"
                preempted.add(request.request_id)
            elif dice.random() < 0.02:
                request.num_computed_tokens -= min(2, request.num_computed_tokens)
        while self.preempted and dice.random() < 0.1 and not preempted:
            back.append(self.preempted.pop())
            back[-1].status.name = "RUNNING"
        if dice.random() < 0.02:
            dice.shuffle(self.running)
        begun = [self.begin() for _ in range(dice.choice((0, 0, 0, 1, 4)) if len(self.running) < 40 else 0)]
        # A few have no row, as where the budget has run out; then they have one again.
        for request in [r for r in self.running if dice.random() > 0.01] + back + begun:
            fresh = request.num_computed_tokens < request.num_prompt_tokens
            query = request.num_prompt_tokens - request.num_computed_tokens if fresh else 1
            name = request.request_id
            rows.append(("".join(list(name)) if dice.random() < 0.01 else name, request.num_computed_tokens, query))
        self.running += back + begun
        members = {"preempted_req_ids": preempted} if self.says_preempted else {}
        # Some versions list those that come back among the new ones.
        new = {request.request_id for request in begun + (back if dice.random() < 0.5 else [])}
        output = make_output(self.scheduler, rows, new, **members)
        self.scheduler.running = self.running
        for name, _, _ in rows:
            self.numbers.setdefault(name, len(self.numbers))
        if rows:
            self.expected.append([[self.numbers[name], computed, query] for name, computed, query in rows])
        for name, _, query in rows:
            request = self.scheduler.requests[name]
            request.num_computed_tokens += query
            request.num_output_tokens += 1
        return output


def without_times(record):
    return {key: value for key, value in record.items() if key not in ("schedule_start", "schedule_end", "output", "arrival")}


@pytest.mark.parametrize("depth", [1, 2], ids=["synchronous", "asynchronous"])
@pytest.mark.parametrize("says_preempted", [True, False], ids=["0.12 and later", "before 0.12"])
def test_c_and_python_record_the_same_of_any_batches(says_preempted, depth, found, reprise, tmp_path):
    for seed in range(3):
        engine = Engine(seed, says_preempted)
        paths = {language: tmp_path / f"{language}-{seed}.reprise" for language in ("C", "Python")}
        recordings = [open_recording(language, engine.scheduler, path) for language, path in paths.items()]
        flying = []
        for turn in range(400):
            output = engine.schedule()
            flying.append(output)
            for recording in recordings:
                recording.scheduled(output, turn * 1000, turn * 1000 + 500)
            if len(flying) == depth:
                for recording in recordings:
                    recording.updated(flying[0], turn * 1000 + 900)
                del flying[0]
            if turn % FLUSHED_EVERY == 0:
                for recording in recordings:
                    recording.recorder.flush(recording.recorder.handle, 60_000)
        counts = [recording.close() for recording in recordings]
        assert not any(count.invalid_calls or count.dropped_steps for count in counts), counts[0].last_error
        c, python = (Trace(reprise, path) for path in paths.values())
        assert [step["batch"] for step in c.steps] == engine.expected
        assert any(step.get("preempted") for step in c.steps) and any(step.get("finished") for step in c.steps)
        assert [without_times(step) for step in c.steps] == [without_times(step) for step in python.steps]
        requests = [[without_times(request) for request in trace.requests.values()] for trace in (c, python)]
        assert requests[0] == requests[1] and len(requests[0]) == len(engine.numbers)


def test_many_steps_leave_no_memory_and_no_references_behind(pytestconfig, found, tmp_path):
    steps = pytestconfig.getoption("soak_steps")
    scheduler = make_scheduler()
    recording = open_recording("C", scheduler, tmp_path / "trace.reprise")
    steady = Queued("steady", 1, 1 << 30)
    scheduler.requests["steady"] = steady
    scheduler.running = [steady]
    name, sizes = steady.request_id, []
    tracemalloc.start()
    for turn in range(steps):
        begun = f"turn {turn}"
        scheduler.requests[begun] = request = Queued(begun, 3, 1)
        output = make_output(
            scheduler, [(name, turn, 1), (begun, 0, 3)], {begun, name} if turn == 0 else {begun}, preempted_req_ids=set()
        )
        recording.scheduled(output, turn, turn)
        recording.updated(output, turn)
        del scheduler.requests[begun]
        scheduler.finished_req_ids.add(begun)
        if turn in (2000, steps // 2, steps - 1):
            gc.collect()
            sizes.append((sys.getrefcount(name), sys.getrefcount(steady), tracemalloc.get_traced_memory()[0]))
    tracemalloc.stop()
    assert sizes[0][:2] == sizes[1][:2] == sizes[2][:2]
    assert max(size[2] for size in sizes) - sizes[0][2] < 8192
    assert recording.held() == (2, 0, 1)
    counts, before = recording.close(), sys.getrefcount(steady)
    assert counts.requests == steps + 1 and not counts.invalid_calls
    assert recording.close() is None
    assert before < sizes[0][1]
    with pytest.raises(RuntimeError, match="closed"):
        recording.scheduled(output, 1, 1)


def test_an_abandoned_recording_is_collected_with_its_scheduler(found, tmp_path):
    class Scheduler(SimpleNamespace):
        pass

    scheduler = Scheduler(**vars(make_scheduler()))
    scheduler.recording = open_recording("C", scheduler, tmp_path / "trace.reprise")
    scheduler.requests["a"] = Queued("a", 3, 1)
    scheduler.recording.scheduled(make_output(scheduler, [("a", 0, 3)], {"a"}, made_by=scheduler), 1, 2)
    handle, recorder, gone = scheduler.recording.recorder.handle, scheduler.recording.recorder, weakref.ref(scheduler)
    del scheduler
    gc.collect()
    assert gone() is None
    recorder.close(handle, None, 0)


@pytest.mark.parametrize(
    "broken",
    [
        {"num_scheduled_tokens": [("a", 3)]},
        {"num_scheduled_tokens": {"a": "3"}},
        {"num_scheduled_tokens": {"a": -3}},
        {"num_scheduled_tokens": {"a": 1 << 40}},
        {"num_scheduled_tokens": {"nobody": 1}},
        {"scheduled_new_reqs": None},
        {"scheduled_new_reqs": [SimpleNamespace(req_id="a")]},
        {"scheduled_cached_reqs": SimpleNamespace(req_ids=["a"], num_computed_tokens=[])},
        {"scheduled_cached_reqs": SimpleNamespace(req_ids=("a",), num_computed_tokens=(1,))},
        {"finished_req_ids": 3},
        {"preempted_req_ids": 3},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_what_no_version_of_vllm_gives_is_an_error_of_python(broken, found, tmp_path):
    scheduler = make_scheduler()
    recording = open_recording("C", scheduler, tmp_path / "trace.reprise")
    scheduler.requests["a"] = Queued("a", 3, 1)
    recording.scheduled(make_output(scheduler, [("a", 0, 3)], {"a"}), 1, 2)
    output = make_output(scheduler, [("a", 3, 1)])
    output.__dict__.update(broken)
    with pytest.raises((TypeError, ValueError, KeyError, OverflowError, AttributeError)):
        recording.scheduled(output, 3, 4)
    assert recording.close().written_steps == 1


def test_a_recording_that_is_closed_from_within_itself_goes_on(found, tmp_path):
    scheduler = make_scheduler()
    recording = open_recording("C", scheduler, tmp_path / "trace.reprise")
    errors = []

    class Closing(list):
        def __len__(self):
            try:
                recording.close()
            except RuntimeError as error:
                errors.append(str(error))
            return 0

    scheduler.waiting, scheduler.requests["a"] = Closing(), Queued("a", 3, 1)
    recording.scheduled(make_output(scheduler, [("a", 0, 3)], {"a"}), 1, 2)
    assert errors == ["the recorder was called from within itself"]
    assert recording.close().written_steps == 1


@pytest.mark.parametrize("language", ["C", "Python"])
def test_gpu_times_hear_of_steps_with_rows(language, found, tmp_path):
    scheduler = make_scheduler()
    recording = open_recording(language, scheduler, tmp_path / "trace.reprise")
    heard, collected = [], []
    times = SimpleNamespace(scheduled=lambda *step: heard.append(step), collect=lambda: collected.append(1))
    recording.take_gpu_times(times)
    scheduler.requests["a"] = Queued("a", 3, 1)
    outputs = [make_output(scheduler, [("a", 0, 3)], {"a"}), make_output(scheduler, []), make_output(scheduler, [("a", 3, 1)])]
    for output in outputs:
        recording.scheduled(output, 1, 2)
        recording.updated(output, 3)
    assert heard == [(outputs[0], 0), (outputs[2], 1)]
    assert len(collected) == 3
    assert recording.close().written_steps == 2


def test_a_machine_without_a_compiler_gets_the_steps_in_python(library, tmp_path):
    source = tmp_path / "Sources"
    for name in ("VLLMRecorder", "CRepriseRecorder"):
        ignored = shutil.ignore_patterns("build", "*.egg-info", "*.so", "__pycache__")
        shutil.copytree(CHECKOUT / "Sources" / name, source / name, ignore=ignored)
    target = tmp_path / "installed"
    environment = os.environ | {"CC": "/nowhere/cc", "PYTHONPATH": str(target), "REPRISE_RECORDER_LIBRARY": str(library)}
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", target,
         source / "VLLMRecorder"], check=True, env=environment | {"PYTHONPATH": ""}, capture_output=True)  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-m", "reprise_vllm_recorder"], check=True, env=environment, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert "steps are read in Python" in said and str(library) in said


def test_a_language_that_is_not_there_is_an_error_that_says_so(monkeypatch):
    from reprise_vllm_recorder import compiled, library, opening

    monkeypatch.setattr(compiled, "MISSING", "it was not built")
    assert opening.recording_class({}).language == "Python"
    for wanted, said in (("C", "it was not built"), ("Fortran", "neither C nor Python")):
        with pytest.raises(library.LibraryError, match=said):
            opening.recording_class({"REPRISE_RECORDER_STEPS": wanted})
