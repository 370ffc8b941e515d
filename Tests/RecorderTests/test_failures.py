"""Full rings, full disks, killed processes, files that come to their end."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import reprise_trace
from recorder import DROPPED, OK, Recorder, RecorderError
from test_traces import Engine, assert_same_rows, named_rows

import pytest


def traces(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".reprise")


# Full rings


def test_a_full_ring_drops_whole_steps_and_counts_them(library, reprise, tmp_path):
    path = tmp_path / "a.reprise"
    recorder = Recorder(library, path, {"ring_bytes": 65536})
    rows = 700
    for request in range(rows):
        recorder.add_request(request, 0, 10, 100_000)
    number = 0
    recorder.step(number, [(request, 0, 10) for request in range(rows)])
    # A burst that no disk could follow, of steps with all rows and of such that only say "the same".
    for _ in range(300):
        for _ in range(5):
            number += 1
            recorder.step_same(number, start=number * 1000)
        number += 1
        recorder.step(number, [(r, c + q, 1) for r, c, q in recorder.batch], start=number * 1000)
    request = rows
    assert recorder.add_request(request, 0, 10, 50) == OK, "a request finds room where steps do not"
    time.sleep(0.3)
    number += 1
    recorder.step_changed(number, added=[(request, 0, 10)], start=number * 1000)
    result, statistics = recorder.close()
    dropped = recorder.results.count(DROPPED)
    assert dropped > 0 and result == OK
    assert statistics.dropped_steps == dropped
    assert statistics.steps == number + 1 == statistics.written_steps + dropped
    assert statistics.ring_bytes_max <= statistics.ring_bytes == 65536
    assert f"{statistics.gaps} gaps" in reprise("trace", "verify", path)
    trace = reprise_trace.read(path)
    assert int(trace.gaps.dropped_steps.sum()) == dropped
    written = set(trace.steps.number.tolist())
    assert written == {n for n, r in enumerate(recorder.results) if r == OK}
    for after, count in zip(trace.gaps.after_step.tolist(), trace.gaps.dropped_steps.tolist(), strict=True):
        assert after in written and not written & set(range(after + 1, after + 1 + count))
    assert_same_rows(trace, recorder.passed)
    assert named_rows(trace, len(trace.steps) - 1)[-1] == [request, 0, 10]


def test_steps_dropped_last_are_a_gap_too(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise", {"ring_bytes": 65536})
    recorder.step(0, [(0, 0, 1)])
    big = [(request, 0, 1) for request in range(20_000)]
    assert [recorder.step(number, big) for number in (1, 2)] == [DROPPED, DROPPED]
    recorder.close()
    trace = reprise_trace.read(tmp_path / "a.reprise")
    assert (trace.gaps.after_step.tolist(), trace.gaps.dropped_steps.tolist()) == ([0], [2])


# Files that follow one another


def test_every_file_of_a_rotation_is_a_trace_that_replays(library, reprise, tmp_path):
    header = {"engine": "test", "model": {"name": "mistral-small-24b"}, "max_num_batched_tokens": 2048}
    recorder = Recorder(library, tmp_path / "a.reprise", {"rotate_bytes": 4000, "flush_seconds": 1}, header)
    engine = Engine(recorder, 1)
    for _ in range(6):
        engine.step(60)
        assert recorder.flush() == OK
    result, statistics = recorder.close()
    files = traces(tmp_path)
    assert result == OK and statistics.files == len(files) >= 3
    assert [path.name for path in files] == ["a-%04d.reprise" % n for n in range(2, len(files) + 1)] + ["a.reprise"]
    numbers = []
    for part, path in enumerate(files[-1:] + files[:-1], 1):
        reprise("trace", "verify", path)
        trace = reprise_trace.read(path)
        assert trace.header.get("part", 1) == part and trace.header["engine"] == "test"
        assert_same_rows(trace, recorder.passed)
        numbers += trace.steps.number.tolist()
        report = json.loads(reprise("replay", path, "--policy", "always-2d,vllm-0.33", "--format", "json"))
        assert report["policies"]["always-2d"]["steps"] > 0
    assert numbers == sorted(recorder.passed), "each step is in one file"


def test_time_ends_a_file_as_well(library, tmp_path):
    recorder = Recorder(library, tmp_path / "a.reprise", {"rotate_seconds": 1, "flush_seconds": 1})
    recorder.add_request(0, 0, 1, 50)
    recorder.step(0, [(0, 0, 1)])
    recorder.output(0)
    deadline = time.monotonic() + 20
    number = 0
    while recorder.statistics().files < 2 and time.monotonic() < deadline:
        number += 1
        recorder.step_same(number)
        recorder.output(number)
        time.sleep(0.02)
    recorder.close()
    assert len(traces(tmp_path)) >= 2


def test_a_recorder_replaces_no_file(library, tmp_path):
    for expected in ("a.reprise", "a-0002.reprise", "a-0003.reprise"):
        recorder = Recorder(library, tmp_path / "a.reprise")
        assert recorder.statistics().path.decode() == str(tmp_path / expected)
        recorder.close()
    (tmp_path / "b.reprise.partial").write_bytes(b"what a killed process left")
    Recorder(library, tmp_path / "b.reprise").close()
    assert (tmp_path / "b-0002.reprise").exists() and (tmp_path / "b.reprise.partial").stat().st_size == 26


# Processes that end


def test_a_clean_end_leaves_a_whole_trace(host, reprise, tmp_path):
    subprocess.run([*host, "run", tmp_path / "a.reprise", "150"], check=True)
    assert os.listdir(tmp_path) == ["a.reprise"]
    assert "150 steps" in reprise("trace", "verify", tmp_path / "a.reprise")


def test_a_process_that_ends_without_closing_leaves_what_was_flushed(library_path, reprise, tmp_path):
    script = (
        "import sys, recorder; r = recorder.Recorder(recorder.load(sys.argv[1]), sys.argv[2]);"
        "r.step(0, [(0, 0, 5)]); r.output(0); r.flush(); r.step(1, [(0, 5, 1)])"
    )
    folder = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([sys.executable, "-c", script, library_path, tmp_path / "a.reprise"], cwd=folder)
    assert done.returncode == 0
    reprise("trace", "repair", tmp_path / "a.reprise.partial", "--output", tmp_path / "saved.reprise")
    assert len(reprise_trace.read(tmp_path / "saved.reprise").steps) == 1


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_process_leaves_all_up_to_the_last_flush(host, reprise, tmp_path, kind):
    # Swift's runtime, where it is not linked statically, would tell of the crash and go on.
    calm = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
    process = subprocess.Popen([*host, "run", tmp_path / "a.reprise", "1000000"], stdout=subprocess.PIPE, text=True, env=calm)
    assert process.stdout.readline() == "flushed 100\n"
    process.send_signal(kind)
    process.wait(timeout=60)
    assert process.returncode == -kind
    assert os.listdir(tmp_path) == ["a.reprise.partial"]
    reprise("trace", "repair", tmp_path / "a.reprise.partial", "--output", tmp_path / "saved.reprise")
    reprise("trace", "verify", tmp_path / "saved.reprise")
    steps = reprise_trace.read(tmp_path / "saved.reprise").steps
    # The last step's output is outstanding, so 100 of the 101 are complete.
    assert len(steps) >= 100 and steps.number.tolist() == list(range(len(steps)))


# Disks


def test_a_path_that_cannot_be_written_is_one_error_of_open(library, tmp_path):
    for path, reason in [
        (tmp_path / "absent/a.reprise", "No such file or directory"),
        ("/proc/a.reprise", "create failed"),
        (f"{tmp_path}/", "must be a file's name"),
    ]:
        with pytest.raises(RecorderError) as error:
            Recorder(library, path)
        assert "\n" not in str(error.value) and reason in str(error.value)
    assert os.listdir(tmp_path) == []


def test_a_file_size_limit_stops_the_trace_and_not_the_engine(host, reprise, tmp_path):
    most = 6000
    done = subprocess.run(
        [*host, "bytes", tmp_path / "a.reprise", "64", "20000", "50"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, "the engine goes on"
    assert done.stderr.count("\n") == 1 and "File too large" in done.stderr and "free some space" in done.stderr
    counts = json.loads(done.stdout)
    assert counts["steps"] + counts["dropped"] == 20000
    partial = tmp_path / "a.reprise.partial"
    assert partial.stat().st_size <= most, "what was not whole is cut off"
    reprise("trace", "repair", partial, "--output", tmp_path / "saved.reprise")
    saved = reprise_trace.read(tmp_path / "saved.reprise")
    assert len(saved.steps) == counts["steps"]


def test_recording_goes_on_in_a_new_file_when_there_is_room_again(library, reprise, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = Recorder(library, tmp_path / "a.reprise", {"retry_seconds": 1})
    engine = Engine(recorder, 3)
    engine.step(50)
    assert recorder.flush() == OK
    whole = (tmp_path / "a.reprise.partial").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 10, hard))
    try:
        engine.step(50)
        assert recorder.flush(2000) == DROPPED
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    statistics = recorder.statistics()
    assert statistics.state == 1 and b"File too large" in statistics.last_error
    assert statistics.written_steps == 50 and statistics.dropped_steps == 50
    time.sleep(2)
    engine.step(50)
    _, statistics = recorder.close()
    assert (statistics.files, statistics.written_steps, statistics.dropped_steps) == (2, 100, 50)
    second = tmp_path / "a-0002.reprise"
    reprise("trace", "verify", second)
    trace = reprise_trace.read(second)
    assert_same_rows(trace, recorder.passed)
    assert trace.gaps.dropped_steps.tolist() == [50] and len(trace.steps) == 50


def test_a_full_file_system_stops_the_trace_and_not_the_engine(host, reprise, tmp_path):
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    probe = f"mount -t tmpfs -o size=64k tmpfs {tmp_path}"
    if subprocess.run([*mounted, probe], capture_output=True).returncode != 0:
        pytest.skip("no small file system can be mounted here")
    kept = tmp_path.parent / (tmp_path.name + "-kept.partial")
    script = f"{probe} && {' '.join(host)} bytes {tmp_path}/a.reprise 64 60000 30 && cp {tmp_path}/a.reprise.partial {kept}"
    done = subprocess.run([*mounted, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and "No space left on device" in done.stderr
    counts = json.loads(done.stdout)
    assert counts["steps"] + counts["dropped"] == 60000
    saved = kept.with_suffix(".reprise")
    reprise("trace", "repair", kept, "--output", saved)
    assert len(reprise_trace.read(saved).steps) == counts["steps"]


# Memory


def test_memory_stays_where_it_is_over_a_hundred_thousand_requests(host, reprise, tmp_path):
    done = subprocess.run([*host, "soak", tmp_path / "a.reprise", "100000"], capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout)
    assert counts["requests"] >= 100_000 and counts["refused"] == 0
    bare = int(done.stderr.split()[2])
    assert counts["most_kb"] - bare < 32_000, "code, ring, thread and all"
    assert counts["most_kb"] - counts["early_kb"] < 8_000, "from the first fifth to the end"
    info = json.loads(reprise("trace", "info", tmp_path / "a.reprise", "--format", "json"))
    assert info["requests"] == counts["requests"] and info["dropped_steps"] == counts["dropped"]


@pytest.mark.parametrize("rows, tokens", [(64, 100_000), (512, 100_000), (64, 250), (512, 250)])
def test_a_step_takes_at_most_ten_bytes_and_a_request_sixteen(host, tmp_path, rows, tokens):
    done = subprocess.run(
        [*host, "bytes", tmp_path / "a.reprise", str(rows), "21000", str(tokens)], capture_output=True, text=True, check=True
    )
    counts = json.loads(done.stdout)
    assert counts["dropped"] == 0 and counts["steps"] == 21000
    assert counts["bytes"] <= 10 * counts["steps"] + 16 * counts["requests"]
    # A day at 70 steps a second.
    assert counts["bytes"] / counts["steps"] * 70 * 86_400 - 16 * counts["requests"] * 288 < 60e6
