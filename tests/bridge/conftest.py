"""What the tests of the bridge share."""

from __future__ import annotations

import gc
import logging
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
def labelled(arrow_file):
    """A function that makes a dataset of a features column and a label of some Spark type."""
    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.request import Columns
    from mlsql.models.manifest import Column

    def make(matrix, label=None, label_type="bigint", weight=None):
        given = {"features": list(matrix), "label": label, "weight": weight}
        file = arrow_file(**{name: value for name, value in given.items() if value is not None})
        of_label = None if label is None else Column("label", label_type)
        of_weight = None if weight is None else Column("weight", "double")
        features = (Column("features", "array<double>"),)
        return Dataset.open(file, Columns("features", features, of_label, of_weight))

    return make


@pytest.fixture
def sparse_rows(tmp_path):
    """A function that makes a dataset of sparse vectors, the same rows as a CSR, and their labels."""
    from scipy.sparse import csr_matrix

    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.request import Columns
    from mlsql.models.manifest import Column

    def make(width, rows=60, words=5):
        random = np.random.default_rng(5)
        label = random.integers(0, 2, rows)
        columns = np.sort(random.integers(1, width // words, (rows, words)), axis=1)
        columns += np.arange(words) * (width // words)  # no two of a row are the same
        columns[:, 0] = np.where(label == 1, 0, columns[:, 0])
        starts = np.arange(rows + 1, dtype="int32") * words
        indices, values = columns.astype("int32").ravel(), random.random(rows * words) + 0.5
        vectors = pa.StructArray.from_arrays(
            [
                pa.array(np.full(rows, width, "int32")),
                pa.ListArray.from_arrays(starts, indices),
                pa.ListArray.from_arrays(starts, values),
            ],
            ["size", "indices", "values"],
        )
        file = write_arrow(tmp_path / f"sparse{width}.arrow", pa.table({"v": vectors, "label": label}))
        uses = Columns("features", (Column("v", "vector"),), Column("label", "bigint"))
        return Dataset.open(file, uses), csr_matrix((values, indices, starts), (rows, width)), label

    return make


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


@pytest.fixture
def refused_sockets(caplog):
    """The Kafka client leaves sockets open that a broker refused: they are collected with this test."""
    caplog.set_level(logging.CRITICAL + 1, "kafka")  # its log lines would keep them alive
    yield
    gc.collect()
