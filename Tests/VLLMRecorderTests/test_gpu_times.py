"""GPU times by a fake of CUDA's events, in the order in which vLLM's engine calls its model runner; a real GPU is not needed."""

import dataclasses
import sys
import types

import pytest
from driving import ENGINE, Driver, Trace, assert_same

PLACE = "vllm.v1.worker.gpu_model_runner"
# What the fake GPU takes for each token of a step, in milliseconds, and for sampling.
FORWARD, SAMPLING = 0.125, 2.0


class FakeGPU:
    """A stream: work takes its time, and events come when the work before them is done."""

    def __init__(self):
        # How far the work that was given to it goes, how far it is done, and how many events were made.
        self.given = self.done = 0.0
        self.made = 0
        self.broken = False

    def event(self, enable_timing):
        assert enable_timing
        self.made += 1
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, device):
        self.device = device

    def record(self):
        if self.device.broken:
            raise RuntimeError("CUDA error: unspecified launch failure")
        self.moment = self.device.given

    def query(self):
        return self.moment <= self.device.done

    def elapsed_time(self, later):
        assert self.query() and later.query()
        return later.moment - self.moment


def runner_class(device, is_one_call):
    """A model runner; before 0.11.1 forward pass and sampling were one call."""

    class GPUModelRunner:
        def execute_model(self, scheduler_output, intermediate_tensors=None):
            device.given += FORWARD * scheduler_output.total_num_scheduled_tokens
            return self.sample() if is_one_call else None

        def sample(self):
            device.given += SAMPLING
            return "output"

    if not is_one_call:
        GPUModelRunner.sample_tokens = lambda self, grammar_output: self.sample()
    return GPUModelRunner


@pytest.fixture
def device(monkeypatch):
    import torch

    fake = FakeGPU()
    monkeypatch.setenv("REPRISE_GPU_TIMES", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "Event", fake.event)
    return fake


@pytest.fixture(params=[False, True], ids=["two calls", "one call"])
def runner(request, device, monkeypatch):
    """An instance that was there before the first step, as in vLLM."""
    made = runner_class(device, request.param)
    monkeypatch.setitem(sys.modules, PLACE, types.SimpleNamespace(GPUModelRunner=made))
    monkeypatch.delitem(sys.modules, "vllm.v1.worker.gpu.model_runner", raising=False)
    return made()


class Engine:
    """An engine's loop around a runner, whose GPU is `late` steps behind with what it has done."""

    def __init__(self, driver, device, runner, late):
        self.driver, self.device, self.runner, self.late = driver, device, runner, late
        self.ends = []

    def turn(self):
        output = self.driver.schedule()
        if output.num_scheduled_tokens:
            if self.runner.execute_model(output) is None:
                assert self.runner.sample_tokens(None) == "output"
            self.ends.append(self.device.given)
            if len(self.ends) > self.late:
                self.device.done = self.ends[-1 - self.late]
        if len(self.driver.in_flight) == self.driver.depth or (self.driver.in_flight and not output.num_scheduled_tokens):
            self.driver.deliver()

    def run(self):
        while self.driver.scheduler.has_unfinished_requests():
            self.turn()
        self.device.done = self.device.given
        self.driver.close()


def make_engine(model, device, runner, asynchronous=False, late=0):
    driver = Driver(dataclasses.replace(ENGINE, asynchronous=asynchronous), model)
    for place in range(12):
        driver.add(f"r{place}", 30 + 7 * place, 20 + place)
    return Engine(driver, device, runner, late)


@pytest.mark.parametrize(("asynchronous", "late"), [(False, 0), (True, 1), (True, 5)])
def test_each_step_has_what_the_gpu_took_for_it(asynchronous, late, recording, reprise, model, device, runner):
    engine = make_engine(model, device, runner, asynchronous, late)
    # Dummy batches, as vLLM runs them to warm up and for idle ranks, are of no step.
    runner.execute_model(types.SimpleNamespace(total_num_scheduled_tokens=512))
    engine.turn()
    runner.execute_model(types.SimpleNamespace(total_num_scheduled_tokens=512))
    engine.run()
    trace = Trace(reprise, recording)
    assert_same(trace, engine.driver.steps)
    for recorded, step in zip(trace.steps, engine.driver.steps):
        forward = FORWARD * sum(query for _, _, query in step.rows)
        assert recorded["gpu_ms"] == pytest.approx(forward + SAMPLING, abs=0.0011)
        if hasattr(runner, "sample_tokens"):
            assert recorded["forward_ms"] == pytest.approx(forward, abs=0.0011)
        else:
            assert "forward_ms" not in recorded
    # Events are used again, however many steps there are.
    assert device.made <= 3 * (late + 3)


def test_a_gpu_that_never_answers_costs_the_times_alone(recording, reprise, model, device, runner):
    engine = make_engine(model, device, runner, late=10_000)
    while engine.driver.scheduler.has_unfinished_requests():
        engine.turn()
    engine.driver.close()
    trace = Trace(reprise, recording)
    assert_same(trace, engine.driver.steps)
    assert not any("gpu_ms" in step for step in trace.steps)
    assert device.made <= 3 * 33


def test_an_error_of_cuda_ends_the_times_and_not_the_trace(recording, warnings, reprise, model, device, runner):
    engine = make_engine(model, device, runner)
    for _ in range(5):
        engine.turn()
    device.broken = True
    engine.run()
    assert len(warnings) == 1 and warnings[0].startswith("no more GPU times are recorded")
    trace = Trace(reprise, recording)
    assert_same(trace, engine.driver.steps)
    assert ["gpu_ms" in step for step in trace.steps] == [True] * 5 + [False] * (len(trace.steps) - 5)
