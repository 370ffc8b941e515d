"""vLLM's own schedulers under the plugin: the trace against a log that the test takes."""

import dataclasses
import json
import random
import subprocess

import driving
import pytest
import vllm_cases
import vllm_scheduler
from driving import ENGINE, Driver, Trace, assert_same

ASYNCHRONOUS = dataclasses.replace(ENGINE, asynchronous=True)


def drive(case, model):
    """A driver that has run a case of the scheduler's differential test, each round as long as a step of no tokens."""
    driver = Driver(case.engine, model)
    now, arrivals = 0, list(enumerate(case.arrivals))
    while arrivals or driver.in_flight or driver.scheduler.has_unfinished_requests():
        if arrivals and not driver.scheduler.has_unfinished_requests():
            now = max(now, arrivals[0][1].at)
        while arrivals and arrivals[0][1].at <= now:
            place, arrival = arrivals.pop(0)
            driver.requests[str(place)] = request = vllm_scheduler.make_request(place, case, driver.hasher)
            driver.scheduler.add_request(request)
        driver.turn()
        now += case.step_us
    driver.close()
    return driver


def assert_same_requests(trace, driver, names):
    for number, name in enumerate(names):
        request, recorded = driver.requests[name], trace.requests[number]
        assert recorded["prompt_tokens"] == request.num_prompt_tokens
        assert recorded["output_tokens"] == request.num_output_tokens
        assert recorded["output_limit"] == request.max_tokens
    arrivals = [trace.requests[number]["arrival"] for number in range(len(names))]
    assert arrivals and min(arrivals) >= 0
    first = {}
    for step in trace.steps:
        for number, _, _ in step["batch"]:
            first.setdefault(number, step["schedule_start"])
    assert all(arrivals[number] <= start for number, start in first.items())


@pytest.mark.parametrize("seeds", [range(1, 13), range(13, 25)])
def test_random_workloads_are_recorded_row_for_row(seeds, recording, reprise, model):
    seen = {True: 0, False: 0}
    preempting = 0
    for seed in seeds:
        case = vllm_cases.random_case(seed)
        if not case.arrivals:
            continue
        driver = drive(case, model)
        trace = Trace(reprise, recording)
        names = assert_same(trace, driver.steps)
        assert_same_requests(trace, driver, names)
        assert trace.header["async_scheduling"] == case.engine.asynchronous
        assert trace.header["kv_cache_blocks"] == case.engine.blocks
        assert trace.header["max_num_batched_tokens"] == case.engine.budget
        seen[case.engine.asynchronous] += 1
        preempting += any(step.preempted for step in driver.steps)
        recording.unlink()
    assert all(seen.values()) and preempting


def test_a_request_that_resumes_beside_a_new_one_is_recorded_where_its_row_is(recording, reprise, model):
    driver = Driver(dataclasses.replace(ENGINE, blocks=8, caching=False), model)
    # For its second model runner, vLLM lists such requests behind new ones, though their rows come first.
    driver.scheduler.use_v2_model_runner = True
    driver.add("stays", 40, 60)
    driver.add("is preempted", 40, 60)
    while not any(step.preempted for step in driver.steps):
        driver.turn()
    driver.add("new", 10, 5)
    driver.run()
    driver.close()
    names = [[row[0] for row in step.rows] for step in driver.steps]
    assert ["is preempted", "new"] in names and names.index(["is preempted", "new"]) < len(names) - 1
    assert_same(Trace(reprise, recording), driver.steps)


@pytest.mark.parametrize("engine", [ENGINE, ASYNCHRONOUS], ids=["synchronous", "asynchronous"])
def test_a_busy_engine_is_recorded_row_for_row(engine, recording, reprise, model):
    dice = random.Random(3)
    driver = Driver(engine, model)
    for place in range(300):
        driver.add(f"chat-{place}", dice.randint(1, 700), dice.randint(1, 60))
        for _ in range(dice.randint(0, 3)):
            driver.turn()
    driver.run()
    driver.close()
    trace = Trace(reprise, recording)
    assert_same_requests(trace, driver, assert_same(trace, driver.steps))


def test_aborted_requests_end_where_they_were_aborted(recording, reprise, model):
    driver = Driver(ASYNCHRONOUS, model)
    for place in range(6):
        driver.add(f"a{place}", 20, 30)
    driver.add("never scheduled", 20, 1)
    driver.scheduler.finish_requests(["never scheduled"], aborted())
    for _ in range(5):
        driver.turn()
    driver.scheduler.finish_requests(["a1", "a4"], aborted())
    for _ in range(3):
        driver.turn()
    driver.add("a1", 7, 3)
    driver.run()
    driver.close()
    trace = Trace(reprise, recording)
    rows = [row for step in trace.steps for row in step["batch"]]
    assert [len(step["batch"]) for step in trace.steps] == [len(step.rows) for step in driver.steps]
    assert max(computed for number, computed, _ in rows if number == 1) < 20 + 30 - 1
    assert trace.requests[1]["output_limit"] == 30
    assert trace.requests[1]["output_tokens"] < 30
    last = max(trace.requests)
    assert (trace.requests[last]["prompt_tokens"], trace.requests[last]["output_tokens"]) == (7, 3)


def aborted():
    from vllm.v1.request import RequestStatus

    return RequestStatus.FINISHED_ABORTED


def test_rejected_drafts_take_computed_tokens_back(recording, reprise, model):
    from vllm.v1.outputs import DraftTokenIds, ModelRunnerOutput

    driver = Driver(ENGINE, model)
    scheduler, dice = driver.scheduler, random.Random(5)
    scheduler.num_spec_tokens = scheduler.num_lookahead_tokens = 3
    for place in range(9):
        driver.add(f"s{place}", dice.randint(1, 50), 40)
    went_back = 0
    while scheduler.has_unfinished_requests():
        output = driver.schedule()
        driver.in_flight.clear()
        names = list(output.num_scheduled_tokens)
        drafts = output.scheduled_spec_decode_tokens
        tokens = [
            [next(driver.tokens) for _ in range(dice.randint(1, 1 + len(drafts.get(name, ()))))] for name in names
        ]
        went_back += sum(len(tokens[row]) <= len(drafts.get(name, ())) for row, name in enumerate(names))
        scheduler.update_from_output(
            output,
            ModelRunnerOutput(
                req_ids=names, req_id_to_index={name: row for row, name in enumerate(names)},
                sampled_token_ids=tokens, logprobs=None, prompt_logprobs_dict={}, pooler_output=[]))  # fmt: skip
        running = [name for name in names if name in scheduler.requests]
        scheduler.update_draft_token_ids(DraftTokenIds(running, [[7, 8, 9]] * len(running)))
    driver.close()
    assert went_back > 20
    trace = Trace(reprise, recording)
    names = assert_same(trace, driver.steps)
    for number, name in enumerate(names):
        assert trace.requests[number]["output_tokens"] == driver.requests[name].num_output_tokens == 40


def test_prefix_blocks_are_named_on_demand_and_tell_nothing_of_the_prompt(monkeypatch, recording, reprise, model):
    monkeypatch.setenv("REPRISE_BLOCK_HASHES", "1")
    driver = Driver(ENGINE, model)
    shared = list(range(100, 164))
    driver.add("first", shared + list(range(500, 516)), 2)
    driver.run()
    driver.add("second", shared + list(range(700, 740)), 2)
    driver.add("other", 64, 2)
    driver.run()
    driver.close()
    trace = Trace(reprise, recording)
    assert trace.header["prefix_block_tokens"] == 16
    lines = subprocess.run(
        [reprise, "trace", "export", recording, "--format", "requests-jsonl"], check=True, capture_output=True,
        text=True).stdout.splitlines()  # fmt: skip
    first, second, other = (json.loads(line)["hash_ids"] for line in lines)
    assert len(first) == 5 and first[:4] == second[:4] and first[4] != second[4]
    assert not set(other) & set(first + second)
    # What the prefix cache held is what the first row does not compute.
    hit = next(row for step in trace.steps for row in step["batch"] if row[0] == 1)
    assert hit[1] == 64
    own = {int.from_bytes(block[:8], order) for block in driver.requests["first"].block_hashes for order in ("little", "big")}
    assert not own & {identity % 2**64 for identity in first}


def test_the_header_tells_which_model_runner_orders_the_rows(monkeypatch, recording, reprise, model):
    from reprise_vllm_recorder import header
    from vllm.config import VllmConfig

    driver = Driver(ENGINE, model)
    driver.add("a", 5, 5)
    driver.run()
    driver.close()
    # Without Triton vLLM runs V1 whatever is asked for, so V2 is what its configuration only says.
    assert Trace(reprise, recording).header["persistent_batch"] is True
    monkeypatch.setattr(VllmConfig, "use_v2_model_runner", property(lambda self: True))
    assert header.describe(driver.scheduler, hashes=False)["persistent_batch"] is False


def test_nothing_is_wrapped_unless_a_trace_is_asked_for(monkeypatch):
    import reprise_vllm_recorder
    from vllm.v1.core.sched.scheduler import Scheduler

    monkeypatch.delenv("REPRISE_TRACE", raising=False)
    before = Scheduler.schedule, Scheduler.update_from_output
    reprise_vllm_recorder.register()
    assert (Scheduler.schedule, Scheduler.update_from_output) == before


def test_a_plugin_loaded_twice_records_once(recording, reprise, model):
    import reprise_vllm_recorder
    from vllm.v1.core.sched.scheduler import Scheduler

    before = Scheduler.schedule
    reprise_vllm_recorder.register()
    assert Scheduler.schedule is before
    driver = Driver(ENGINE, model)
    driver.add("a", 5, 5)
    driver.run()
    driver.close()
    assert_same(Trace(reprise, recording), driver.steps)


def test_two_engines_of_one_process_get_a_file_each(recording, reprise, model):
    drivers = [Driver(ENGINE, model), Driver(ASYNCHRONOUS, model)]
    for turn in range(8):
        for place, driver in enumerate(drivers):
            if turn == 0:
                driver.add(f"of {place}", 30 + place, 6)
            driver.turn()
    for driver in drivers:
        driver.run()
        driver.close()
    files = [recording, recording.with_name("trace-0002.reprise")]
    assert sorted(recording.parent.iterdir()) == sorted(files)
    for driver, file in zip(drivers, files):
        assert_same(Trace(reprise, file), driver.steps)


def test_ranks_of_a_data_parallel_group_have_their_number_in_the_name(tmp_path):
    from reprise_vllm_recorder.opening import destination

    assert destination(str(tmp_path / "night.reprise"), None).name == "night.reprise"
    assert destination(str(tmp_path / "night.reprise"), 3).name == "night-dp3.reprise"
    names = {destination(str(tmp_path), engine).name for engine in (None, 0, 1)}
    assert len(names) == 3 and all(name.endswith(".reprise") for name in names)


def test_replays_of_a_recorded_trace_work(recording, reprise, model):
    driver = Driver(ASYNCHRONOUS, model)
    for place in range(40):
        driver.add(str(place), 100 + place, 20)
        driver.turn()
    driver.run()
    driver.close()
    for batches in ("recorded", "rescheduled"):
        text = subprocess.run(
            [reprise, "replay", recording, "--policy", "always-2d,vllm-0.33", "--batches", batches, "--format", "json"],
            check=True, capture_output=True, text=True).stdout  # fmt: skip
        policies = json.loads(text)["policies"]
        assert {policy["requests"] for policy in policies.values()} == {40}
        assert {policy["output_tokens"] for policy in policies.values()} == {800}


def test_a_rotated_trace_has_every_step_once(monkeypatch, recording, reprise, model):
    monkeypatch.setenv("REPRISE_ROTATE_BYTES", "2000")
    driver = Driver(ASYNCHRONOUS, model)
    dice = random.Random(9)
    for place in range(200):
        driver.add(f"r{place}", dice.randint(1, 300), dice.randint(1, 40))
        driver.turn()
        if place % 20 == 0:
            # Bytes are counted when they are written, which a flush does.
            recorder = driver.scheduler._reprise_recording.recorder
            recorder.flush(recorder.handle, 60_000)
    driver.run()
    driver.close()
    files = sorted(recording.parent.glob("*.reprise"), key=lambda path: ("-" in path.stem, path))
    assert len(files) > 2
    whole = Trace(reprise, files[0])
    for part, path in enumerate(files[1:], 2):
        trace = Trace(reprise, path)
        assert (trace.header["part"], path.name) == (part, f"trace-{part:04}.reprise")
        assert trace.steps[0]["step"] == whole.steps[-1]["step"] + 1
        whole.steps += trace.steps
    assert_same(whole, driver.steps)
