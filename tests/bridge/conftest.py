"""What the tests of the bridge share."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest


def write_arrow(file, table):
    """The file that ``feeder.fetch`` would write for *table*, in batches of 50 rows."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return file


@pytest.fixture
def arrow_file(tmp_path):
    """A function that puts named columns into an Arrow file."""

    def write(name="train", **columns):
        table = pa.table({key: pa.array(value) for key, value in columns.items()})
        return write_arrow(tmp_path / f"{name}.arrow", table)

    return write


@pytest.fixture
def points():
    """120 points in two clouds: matrix and label, always the same."""
    random = np.random.default_rng(7)
    label = random.integers(0, 2, 120)
    return random.normal(size=(120, 3)) + label[:, None], label


@pytest.fixture
def trainers(monkeypatch):
    """``obedient_trainer`` can be imported, here and in workers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture
def gone():
    """A function that says whether processes have ended, or do so within some seconds."""

    def ended(*pids, within=10.0):
        deadline = time.monotonic() + within
        while any(map(_lives, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return not any(map(_lives, pids))

    return ended


def _lives(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def signed():
    """A function that gives the numbers that a process writes into a file, once they are there."""

    def read(file, within=30.0):
        deadline = time.monotonic() + within
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline, f"nothing was written to {file}"
            time.sleep(0.02)
        return [int(each) for each in file.read_text().split()]

    return read
