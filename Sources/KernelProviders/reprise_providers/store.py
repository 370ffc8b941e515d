"""The measurement store, as Reprise reads it: SQLite, format version 1.

Whatever is written in one call is kept when the process is killed, and several processes may write
to one file. A status only rises: failed, partial, complete.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

APPLICATION = 0x52504D53
VERSION = 1
BUSY_SECONDS = 30
FAILED, PARTIAL, COMPLETE = 0, 1, 2

SCHEMA = f"""
CREATE TABLE machine (
  id INTEGER PRIMARY KEY, gpu TEXT NOT NULL, sm_count INTEGER NOT NULL, driver TEXT NOT NULL,
  UNIQUE (gpu, sm_count, driver));
CREATE TABLE kernel (
  id INTEGER PRIMARY KEY, image TEXT NOT NULL, variant TEXT NOT NULL, UNIQUE (image, variant));
CREATE TABLE batch (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE measurement (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL REFERENCES machine, kernel INTEGER NOT NULL REFERENCES kernel,
  batch INTEGER NOT NULL REFERENCES batch,
  cache TEXT NOT NULL, in_graph INTEGER NOT NULL,
  status INTEGER NOT NULL, reason TEXT NOT NULL,
  UNIQUE (batch, kernel, machine, cache, in_graph));
CREATE TABLE sample_set (
  measurement INTEGER NOT NULL REFERENCES measurement, date TEXT NOT NULL,
  samples TEXT NOT NULL, sm_mhz INTEGER NOT NULL, memory_mhz INTEGER NOT NULL,
  throttle INTEGER NOT NULL,
  PRIMARY KEY (measurement, date, samples, sm_mhz, memory_mhz, throttle)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""

RAISE_STATUS = """
INSERT INTO measurement (machine, kernel, batch, cache, in_graph, status, reason)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (batch, kernel, machine, cache, in_graph) DO UPDATE SET
  reason = CASE WHEN excluded.status > status THEN excluded.reason
    WHEN excluded.status = status THEN min(reason, excluded.reason) ELSE reason END,
  status = max(status, excluded.status)
"""


class StoreError(Exception):
    """A file that is no store, or cannot be written; the message says what to do."""


@dataclass(frozen=True)
class Machine:
    """A kind of machine that measurements hold for."""

    gpu: str
    sm_count: int
    driver: str


@dataclass(frozen=True)
class Key:
    """All that a time depends on; `image` is the package with its version."""

    machine: Machine
    image: str
    variant: str
    batch: str
    cache: str = "cold"
    in_graph: bool = True


@dataclass
class Samples:
    """Times in nanoseconds taken together, and the clocks then; -1 where unknown."""

    nanoseconds: list
    date: str
    sm_mhz: int = -1
    memory_mhz: int = -1
    throttle: int = -1


class Store:
    """One file, made where there is none."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self.prepare()
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from None

    def prepare(self):
        number = self.connection.execute("PRAGMA application_id").fetchone()[0]
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables == 0 and number in (0, APPLICATION):
            self.create()
            self.connection.execute("PRAGMA journal_mode = WAL")
        elif number != APPLICATION:
            raise StoreError(f"{self.path}: no measurement store; name another file")
        elif version != VERSION:
            raise StoreError(f"{self.path}: of version {version}, this program knows {VERSION}")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA foreign_keys = ON")

    def create(self):
        """Makes the tables, unless another process has done so in between."""
        self.connection.execute("BEGIN IMMEDIATE")
        if self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    self.connection.execute(statement)
        self.connection.execute("COMMIT")

    def close(self):
        self.connection.close()

    def status(self, key: Key):
        """How far a measurement has come: FAILED, PARTIAL, COMPLETE, or None of an unknown key."""
        row = self.connection.execute(
            """
            SELECT status FROM measurement JOIN batch ON batch.id = batch
            JOIN kernel ON kernel.id = kernel JOIN machine ON machine.id = machine
            WHERE batch.key = ? AND image = ? AND variant = ? AND gpu = ? AND sm_count = ?
              AND driver = ? AND cache = ? AND in_graph = ?
            """,
            (
                digest(key.batch),
                key.image,
                key.variant,
                key.machine.gpu,
                key.machine.sm_count,
                key.machine.driver,
                key.cache,
                int(key.in_graph),
            ),
        ).fetchone()
        return None if row is None else row[0]

    def append(self, key: Key, status: int, samples: Samples | None = None, reason: str = ""):
        """Adds a set of samples and raises the status; both are kept once this returns."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            self.add(key, status, samples, reason)
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise StoreError(f"{self.path}: {error}") from None

    def add(self, key, status, samples, reason):
        machine = self.row(
            "machine", "gpu, sm_count, driver", (key.machine.gpu, key.machine.sm_count, key.machine.driver)
        )
        kernel = self.row("kernel", "image, variant", (key.image, key.variant))
        batch = self.row("batch", "key, text", (digest(key.batch), key.batch))
        state = (machine, kernel, batch, key.cache, int(key.in_graph))
        self.connection.execute(RAISE_STATUS, (*state, status, reason))
        if samples is None:
            return
        (measurement,) = self.connection.execute(
            "SELECT id FROM measurement WHERE machine = ? AND kernel = ? AND batch = ?"
            " AND cache = ? AND in_graph = ?",
            state,
        ).fetchone()
        text = json.dumps(samples.nanoseconds, separators=(",", ":"))
        clocks = (samples.sm_mhz, samples.memory_mhz, samples.throttle)
        self.connection.execute(
            "INSERT OR IGNORE INTO sample_set VALUES (?, ?, ?, ?, ?, ?)",
            (measurement, samples.date, text, *clocks),
        )

    def row(self, table, columns, values):
        """The number of a row with these values, added where there is none."""
        marks = ", ".join("?" * len(values))
        self.connection.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", values)
        match = " AND ".join(f"{name} = ?" for name in columns.split(", "))
        return self.connection.execute(f"SELECT id FROM {table} WHERE {match}", values).fetchone()[0]


def digest(text: str):
    return hashlib.sha256(text.encode()).digest()
