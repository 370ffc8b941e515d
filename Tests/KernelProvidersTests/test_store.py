import sqlite3

import pytest

from reprise_providers.store import (
    COMPLETE,
    FAILED,
    PARTIAL,
    Key,
    Machine,
    Samples,
    Store,
    StoreError,
)

MACHINE = Machine("NVIDIA H200", 132, "580.159.04")
KEY = Key(MACHINE, "vllm 0.24.0", "vllm-0.24.0/triton-2d", "attention/1 type=bf16 …")
SAMPLES = Samples([1000, 1001], "2026-11-21T10:25:00Z", 1980, 3201, 0)


def rows(path, statement):
    connection = sqlite3.connect(path)
    found = connection.execute(statement).fetchall()
    connection.close()
    return found


def test_a_measurement_is_there_when_the_file_is_opened_again(tmp_path):
    path = tmp_path / "store.sqlite"
    store = Store(path)
    assert store.status(KEY) is None
    store.append(KEY, PARTIAL)
    store.append(KEY, COMPLETE, SAMPLES)
    store.close()
    assert Store(path).status(KEY) == COMPLETE
    assert rows(path, "SELECT samples, sm_mhz FROM sample_set") == [("[1000,1001]", 1980)]


def test_the_same_set_is_kept_once_and_a_status_never_sinks(tmp_path):
    path = tmp_path / "store.sqlite"
    store = Store(path)
    for _ in range(2):
        store.append(KEY, COMPLETE, SAMPLES)
    store.append(KEY, FAILED, reason="later")
    assert store.status(KEY) == COMPLETE
    assert len(rows(path, "SELECT * FROM sample_set")) == 1
    assert rows(path, "SELECT reason FROM measurement") == [("",)]


def test_two_writers_share_one_file(tmp_path):
    path = tmp_path / "store.sqlite"
    first, second = Store(path), Store(path)
    for number, store in enumerate((first, second, first, second)):
        store.append(KEY, COMPLETE, Samples([number], f"2026-11-21T10:25:0{number}Z"))
    assert len(rows(path, "SELECT * FROM sample_set")) == 4


def test_other_files_are_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    with pytest.raises(StoreError):
        Store(text)
    assert text.read_text().startswith("no database")
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError):
        Store(other)


def test_a_later_version_is_refused(tmp_path):
    path = tmp_path / "store.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StoreError):
        Store(path)
