"""What may not hurt the engine: disks, paths, kills, full memory, the recorder's own mistakes."""

import dataclasses
import multiprocessing
import os
import resource
import signal
import subprocess
import time

import pytest
from driving import ENGINE, Driver, Trace, assert_same

FORK = multiprocessing.get_context("fork")


def run_engine(model, requests=20):
    driver = Driver(ENGINE, model)
    for place in range(requests):
        driver.add(f"r{place}", 20 + place, 30)
        driver.turn()
    driver.run()
    driver.close()
    return driver


def assert_served(driver):
    assert driver.steps
    assert {request.num_output_tokens for request in driver.requests.values()} == {30}


def resident():
    with open("/proc/self/statm") as statistics:
        return int(statistics.read().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/trace.reprise"])
def test_a_path_that_cannot_be_written_is_one_warning(place, monkeypatch, recording, warnings, model):
    monkeypatch.setenv("REPRISE_TRACE", place)
    assert_served(run_engine(model))
    assert len(warnings) == 1 and warnings[0].startswith("no trace is recorded: ")


def test_a_library_that_is_not_there_is_one_warning(monkeypatch, recording, warnings, model):
    monkeypatch.setenv("REPRISE_RECORDER_LIBRARY", "/nowhere/libRepriseRecorder.so")
    assert_served(run_engine(model))
    assert len(warnings) == 1 and "REPRISE_RECORDER_LIBRARY" in warnings[0]


def test_a_scheduler_that_cannot_be_served_is_one_warning(monkeypatch, recording, warnings, model):
    from reprise_vllm_recorder import header

    monkeypatch.setattr(header, "NEEDED", (*header.NEEDED, "something that no version has"))
    assert_served(run_engine(model))
    assert len(warnings) == 1 and "something that no version has" in warnings[0]


@pytest.mark.parametrize("name", ["scheduled", "updated"])
def test_an_error_of_the_recorder_ends_the_trace_and_not_the_engine(
    name, monkeypatch, recording, warnings, reprise, model
):
    from reprise_vllm_recorder import opening

    calls, good_open = [], opening.open_recording

    def open_recording(scheduler, environment):
        under_test = good_open(scheduler, environment)
        good = getattr(under_test, name)

        def fails_in_the_end(*arguments):
            calls.append(1)
            if len(calls) > 10:
                raise RuntimeError("a mistake")
            return good(*arguments)

        setattr(under_test, name, fails_in_the_end)
        return under_test

    monkeypatch.setattr(opening, "open_recording", open_recording)
    driver = run_engine(model)
    assert_served(driver)
    assert len(warnings) == 1 and "the engine goes on" in warnings[0]
    assert len(calls) == 11
    recorded = len(Trace(reprise, recording).steps)
    assert recorded == (10 if name == "scheduled" else 11)


def test_gpu_times_without_a_gpu_are_one_warning(monkeypatch, recording, warnings, reprise, model):
    monkeypatch.setenv("REPRISE_GPU_TIMES", "1")
    driver = run_engine(model)
    assert len(warnings) == 1 and warnings[0].startswith("no GPU times are recorded")
    assert_same(Trace(reprise, recording), driver.steps)


def in_child(work, *arguments):
    """Runs a function in a fork of this process; its exit code, negative where a signal ended it."""
    child = FORK.Process(target=work, args=arguments)
    child.start()
    child.join(120)
    return child.exitcode


def serve_on_small_disk(model, bytes_left):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))
    driver = Driver(ENGINE, model)
    for place in range(200):
        driver.add(f"r{place}", 20 + place, 30)
        driver.turn()
    driver.run()
    driver.scheduler._reprise_recording.recorder.flush(driver.scheduler._reprise_recording.recorder.handle, 10_000)
    driver.close()
    assert_served(driver)


def test_a_full_disk_does_not_stop_the_engine(recording, reprise, model):
    # A limit on the size of files ends a write as a full disk does: in the middle.
    assert in_child(serve_on_small_disk, model, 1200) == 0
    left = list(recording.parent.glob("trace*"))
    assert left and all(path.stat().st_size <= 1200 for path in left)


def serve_until_killed(model, ready):
    driver = Driver(ENGINE, model)
    for place in range(30):
        driver.add(f"r{place}", 20 + place, 1000)
        driver.turn()
    for _ in range(200):
        driver.turn()
    recorder = driver.scheduler._reprise_recording.recorder
    recorder.flush(recorder.handle, 60_000)
    ready.send([step.rows for step in driver.steps])
    while True:
        driver.turn()
        time.sleep(0.001)


def test_what_was_written_before_a_kill_can_be_read(recording, reprise, model, tmp_path):
    ours, theirs = FORK.Pipe()
    child = FORK.Process(target=serve_until_killed, args=(model, theirs))
    child.start()
    assert ours.poll(120)
    rows = ours.recv()
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert not recording.exists()
    partial = recording.with_name(recording.name + ".partial")
    repaired = tmp_path / "repaired.reprise"
    subprocess.run([reprise, "trace", "repair", partial, "--output", repaired], check=True, capture_output=True)
    trace = Trace(reprise, repaired)
    # The library hears of a step's tokens when the next one is scheduled.
    assert len(trace.steps) >= len(rows) - 1
    for step, expected in zip(trace.steps, rows):
        assert [(f"r{number}", computed, query) for number, computed, query in step["batch"]] == expected


def end_without_closing(model):
    driver = Driver(ENGINE, model)
    driver.add("r0", 20, 30)
    driver.run()


def test_a_process_that_ends_without_shutdown_completes_its_trace(recording, reprise, model):
    assert in_child(end_without_closing, model) == 0
    assert len(Trace(reprise, recording).steps) == 30


def test_steps_that_come_too_fast_are_dropped_and_counted(monkeypatch, recording, reprise, model):
    monkeypatch.setenv("REPRISE_RING_BYTES", "65536")
    driver = Driver(dataclasses.replace(ENGINE, sequences=500, budget=8192), model)
    for place in range(500):
        driver.add(f"r{place}", 4, 100)
    output = driver.scheduler.schedule()
    under_test = driver.scheduler._reprise_recording
    moment, calls = time.monotonic_ns(), 1
    # No engine takes steps at this rate.
    for _ in range(4_000):
        under_test.scheduled(output, moment, moment)
        calls += 1
    statistics = under_test.recorder.read_statistics()
    assert statistics.dropped_steps > 0
    driver.close()
    trace = Trace(reprise, recording)
    assert len(trace.steps) + sum(gap["dropped_steps"] for gap in trace.gaps) == calls


def test_memory_stays_where_it_was_over_many_requests(pytestconfig, recording, reprise, model):
    requests, together = pytestconfig.getoption("soak_requests"), 64
    driver = Driver(dataclasses.replace(ENGINE, caching=False), model)
    sizes = []
    for place in range(requests):
        driver.add(f"r{place}", 8, 2)
        if place % (together // 2) == 0:
            driver.turn()
            driver.steps.clear()
            driver.requests.clear()
        if place % (requests // 10) == 0:
            sizes.append(resident())
    driver.run()
    under_test = driver.scheduler._reprise_recording
    requests_held, steps_held, _ = under_test.held()
    assert requests_held <= together and not steps_held
    driver.close()
    # The library's own buffers are full after the first part.
    assert max(sizes[3:]) - sizes[2] < 16 << 20
    traces = sorted(recording.parent.glob("*.reprise"))
    assert sum(len(Trace(reprise, path).requests) for path in traces) == requests
