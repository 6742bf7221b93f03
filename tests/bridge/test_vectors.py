"""Vectors in an Arrow file: the same rows as a matrix, a CSR, batches and a table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge import memory
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.digest import Digest
from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column

KIND = pa.struct(
    [("size", pa.int32()), ("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))]
)
WIDTH = 6
USES = Columns("features", (Column("v", "vector"),), Column("y", "bigint"), Column("w", "double"))
values = st.floats(allow_nan=False, width=32)
sparse = st.dictionaries(st.integers(0, WIDTH - 1), values, max_size=3).map(
    lambda given: dict(sorted(given.items()))
)
dense = st.lists(values, min_size=WIDTH, max_size=WIDTH)


def written(row):
    """A row as it is published: a mapping is a sparse vector, a list a dense one."""
    if row is None:
        return None
    if isinstance(row, dict):
        return {"size": WIDTH, "indices": list(row), "values": list(row.values())}
    return {"size": -1, "indices": [], "values": row}


def opened(folder, rows, uses=USES):
    """The dataset of vectors with label and weight, in batches of five rows."""
    numbers = np.arange(len(rows))
    table = pa.table({"v": pa.array([written(row) for row in rows], KIND), "y": numbers, "w": numbers / 2})
    with pa.OSFile(str(folder / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    return Dataset.open(folder / "t.arrow", uses)


def full(rows):
    """The matrix that *rows* are, by hand."""
    matrix = np.zeros((len(rows), WIDTH))
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            matrix[number, list(row)] = list(row.values())
        else:
            matrix[number] = np.nan if row is None else row
    return matrix


@given(st.lists(st.one_of(sparse, dense), min_size=1, max_size=23), st.integers(1, 9), st.booleans())
def test_every_form_holds_the_same_rows(tmp_path_factory, rows, size, shuffle):
    """Matrix, CSR, batches of both, a part of the rows, and arrays in the table where they are dense."""
    data, matrix = opened(tmp_path_factory.mktemp("v"), rows), full(rows)
    assert (data.rows, data.features) == matrix.shape
    np.testing.assert_array_equal(data.arrays()[0], matrix)
    compact, labels = data.arrays(sparse=True)
    assert isinstance(compact, np.ndarray) != data.is_sparse
    np.testing.assert_array_equal(compact.toarray() if data.is_sparse else compact, matrix)
    assert labels.tolist() == list(range(len(rows)))
    for is_wanted in (False, True):
        pieces = list(data.epoch(size, 0, seed=3 if shuffle else None, sparse=is_wanted))
        assert [piece.rows for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
        for piece in pieces:
            given_rows = piece.matrix.toarray() if is_wanted and data.is_sparse else piece.matrix
            np.testing.assert_array_equal(given_rows, matrix[piece.label])
            np.testing.assert_array_equal(piece.weight, piece.label / 2)
    some = np.arange(0, len(rows), 2)
    np.testing.assert_array_equal(data.only(some).arrays()[0], matrix[some])
    if not data.is_sparse:
        np.testing.assert_array_equal(np.array(data.frame()["v"].tolist()), matrix)


def test_sparse_is_what_takes_less_memory(tmp_path):
    """Twelve bytes an entry and four a row, against eight a value."""
    assert opened(tmp_path, [{0: 1.0}] * 10).is_sparse
    assert not opened(tmp_path, [{0: 1.0, 1: 1.0, 2: 1.0, 3: 2.0}] * 10).is_sparse
    assert not opened(tmp_path, [[0.0] * WIDTH] * 10).is_sparse


def test_a_stored_zero_stays_stored(tmp_path):
    """A CSR by hand has it too."""
    compact, _ = opened(tmp_path, [{0: 0.0, 2: 1.0}] * 4).arrays(sparse=True)
    assert compact.nnz == 8


def test_a_missing_vector_is_a_row_of_nan_or_left_out(tmp_path):
    """As ``handleInvalid`` says; a sparse row beside it keeps its zeros."""
    rows = [{0: 1.0}, None, {}, [1.0] * WIDTH, *[{1: 2.0}] * 9]
    kept = Columns("features", USES.features, invalid="keep")
    data = opened(tmp_path, rows, kept)
    assert data.is_sparse
    for matrix in (data.arrays()[0], data.arrays(sparse=True)[0].toarray()):
        np.testing.assert_array_equal(matrix, full(rows))
    assert data.has_null("v")
    skipped = opened(tmp_path, rows, Columns("features", USES.features, invalid="skip"))
    np.testing.assert_array_equal(skipped.arrays()[0], full([row for row in rows if row is not None]))


def test_only_missing_vectors_are_nulls(tmp_path):
    """That a dense one has no indices is none."""
    batch = pa.record_batch({"v": pa.array([written(row) for row in ({0: 1.0}, None, [1.0] * WIDTH)], KIND)})
    digest = Digest(batch.schema)
    digest.add(batch)
    assert {name: count for name, count in digest.nulls.items() if count} == {"v": 1}


@pytest.mark.parametrize("sparse", [False, True])
def test_a_vector_of_another_size_is_named(tmp_path, sparse):
    """By column, row and sizes."""
    rows = [{0: 1.0}] * 7 + [[1.0, 2.0]]
    with pytest.raises(DataFault, match="'v' differ in size: 6 in the first row, 2 in row 8"):
        opened(tmp_path, rows).arrays(sparse=sparse)


def test_what_does_not_fit_is_no_matrix(tmp_path, monkeypatch):
    """The limit is half of what is free; a CSR is no larger than the rows."""
    data = opened(tmp_path, [{0: 1.0}] * 1000)
    monkeypatch.setattr(memory, "free", lambda: 95_000)
    with pytest.raises(DataFault, match="1,000 sparse vectors with 6 features takes"):
        data.arrays()
    assert data.arrays(sparse=True)[0].nnz == 1000
    assert len(list(data.batches(100))) == 10
