"""A dataset gives the rows of its file, in their order, in the shapes that trainers want."""

import decimal
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.dataset import BLOCK_ROWS, Dataset
from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column


def write(folder, table, *, batch_rows=7):
    """A file as the feeder writes it."""
    file = folder / "train.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return file


def columns(*features, form="columns", label=None, weight=None):
    """What columns are for; their Spark types do not matter here."""
    made = [Column(name, "") if name else None for name in (*features, label, weight)]
    return Columns(form, tuple(made[:-2]), *made[-2:])


def opened(folder, data, uses, **options):
    """The dataset of a table."""
    table = data if isinstance(data, pa.Table) else pa.table(data)
    return Dataset.open(write(folder, table, **options), uses)


def test_plain_columns_become_a_matrix(tmp_path):
    """Integers, booleans, decimals and nulls are doubles, in the order asked for."""
    data = opened(
        tmp_path,
        {
            "a": [1, None, 3],
            "b": [True, False, None],
            "c": [decimal.Decimal("0.5"), None, decimal.Decimal("2.25")],
            "y": ["no", "yes", "no"],
        },
        columns("c", "a", "b", label="y"),
        batch_rows=2,
    )
    matrix, labels = data.arrays()
    nan = np.nan
    np.testing.assert_array_equal(matrix, [[0.5, 1, 1], [nan, nan, 0], [2.25, 3, nan]])
    assert matrix.dtype == np.float64
    assert labels.tolist() == ["no", "yes", "no"]
    assert (data.rows, data.features, data.classes) == (3, 3, ("no", "yes"))


def test_an_array_column_becomes_a_matrix(tmp_path):
    """As wide as its arrays; a null array or value is NaN."""
    arrays = pa.array([None, [1.0, None], [3.0, 4.0]], pa.list_(pa.float32()))
    data = opened(
        tmp_path,
        {"features": arrays, "y": [0, 1, 1]},
        columns("features", form="features", label="y"),
        batch_rows=1,
    )
    matrix, labels = data.arrays("float32")
    np.testing.assert_array_equal(matrix, np.array([[np.nan] * 2, [1, np.nan], [3, 4]], "float32"))
    assert matrix.dtype == np.float32
    assert labels.dtype == np.int64
    assert data.features == 2


def test_an_array_of_another_length_is_named(tmp_path):
    """By column, row and lengths."""
    arrays = [[1.0, 2.0]] * 9 + [[1.0]]
    data = opened(tmp_path, {"v": arrays}, columns("v", form="features"), batch_rows=4)
    with pytest.raises(DataFault, match="'v' differ in length: 2 in the first row, 1 in row 10"):
        data.arrays()


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (pa.array(["b", "a", "b"]), "O", ("a", "b")),
        (pa.array([2, 1, 2], pa.int32()), "i", (1, 2)),
        (pa.array([True, False, True]), "b", (False, True)),
        (pa.array([0.5, 0.0, 0.5]), "f", (0.0, 0.5)),
        (pa.array([decimal.Decimal("0.5"), decimal.Decimal(0), decimal.Decimal("0.5")]), "f", (0.0, 0.5)),
    ],
)
def test_labels_keep_their_type(tmp_path, values, kind, classes):
    """Texts are str objects, decimals doubles."""
    data = opened(tmp_path, {"x": [1, 2, 3], "y": values}, columns("x", label="y"), batch_rows=1)
    _, labels = data.arrays()
    assert labels.dtype.kind == kind
    assert labels.tolist() == [float(v) if kind == "f" else v for v in values.to_pylist()]
    assert data.classes == classes
    assert all(type(each) in (str, int, bool, float) for each in data.classes)


def test_without_label_and_weight_there_are_none(tmp_path):
    """As for clustering."""
    data = opened(tmp_path, {"x": [1.0]}, columns("x"))
    assert data.arrays()[1] is None
    assert data.classes is None
    assert data.weights() is None


def test_weights_are_doubles(tmp_path):
    """Whatever number they were."""
    data = opened(tmp_path, {"x": [1, 2, 3], "w": [1, 0, 2]}, columns("x", weight="w"), batch_rows=2)
    assert data.weights().tolist() == [1.0, 0.0, 2.0]
    assert data.weights().dtype == np.float64


def test_nulls_in_the_label_are_refused(tmp_path):
    """Whoever trains has to decide before."""
    data = opened(tmp_path, {"x": [1, 2], "y": ["a", None]}, columns("x", label="y"))
    with pytest.raises(DataFault, match="label column 'y' has nulls"):
        data.arrays()


def test_texts_are_no_numbers(tmp_path):
    """The column and its type are named."""
    data = opened(tmp_path, {"x": ["1"]}, columns("x"))
    with pytest.raises(DataFault, match="'x' holds values of the type string"):
        data.arrays()


def test_a_dataset_without_rows_has_its_shape(tmp_path):
    """No rows, as many columns as asked for."""
    empty = pa.table({"x": pa.array([], pa.int64()), "y": pa.array([], pa.string())})
    data = opened(tmp_path, empty, columns("x", label="y"))
    matrix, labels = data.arrays()
    assert matrix.shape == (0, 1)
    assert labels.shape == (0,)
    assert (data.rows, data.classes, list(data.batches(4))) == (0, (), [])
    assert data.frame().shape == (0, 2)


def test_table_and_frame_hold_all_columns(tmp_path):
    """For trainers that want more than numbers."""
    table = pa.table({"x": [1, 2, 3], "name": ["a", "b", None]})
    data = opened(tmp_path, table, columns("x"), batch_rows=2)
    assert data.table().equals(table)
    assert data.frame()["name"].tolist() == ["a", "b", None]


def test_the_matrix_is_all_that_is_allocated(tmp_path):
    """Memory peaks at 1.3 times the matrix at most."""
    rows, width = 50_000, 20
    table = pa.table({f"x{n}": np.arange(rows) / 3 for n in range(width)})
    data = opened(tmp_path, table, columns(*table.column_names), batch_rows=2000)
    arrow_before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        matrix, _ = data.arrays()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * matrix.nbytes
    assert pa.total_allocated_bytes() - arrow_before < 0.1 * matrix.nbytes


@given(
    rows=st.integers(0, 5000),
    batch_rows=st.integers(300, 2000),
    size=st.integers(1, 3000),
    epochs=st.integers(0, 2),
    shuffle=st.sampled_from([None, False, True]),
)
def test_batches_hold_every_row_once_an_epoch(tmp_path_factory, rows, batch_rows, size, epochs, shuffle):
    """All of the size asked for but the last; in the file's order unless shuffled."""
    numbers = np.arange(rows)
    table = pa.table({"x": numbers, "y": numbers * 2})
    data = opened(tmp_path_factory.mktemp("d"), table, columns("x", label="y"), batch_rows=batch_rows)
    made = list(data.batches(size, epochs=epochs, shuffle=shuffle))
    sizes = [size] * (rows // size) + [rows % size] * (rows % size > 0)
    assert [len(matrix) for matrix, _ in made] == sizes * epochs
    for epoch in range(epochs):
        part = made[epoch * len(sizes) : (epoch + 1) * len(sizes)]
        matrix = np.concatenate([np.empty((0, 1)), *(m for m, _ in part)])[:, 0]
        labels = np.concatenate([np.empty(0), *(y for _, y in part)])
        np.testing.assert_array_equal(labels, matrix * 2)
        np.testing.assert_array_equal(np.sort(matrix) if shuffle else matrix, numbers)


def test_a_shuffle_depends_on_rows_and_seed_alone(tmp_path_factory):
    """Not on how the file was cut; every epoch has another order, and rows travel far."""
    rows = 3 * BLOCK_ROWS + 5
    table = pa.table({"x": np.arange(rows)})

    def order(batch_rows, seed):
        data = opened(tmp_path_factory.mktemp("d"), table, columns("x"), batch_rows=batch_rows)
        return np.concatenate([m[:, 0] for m, _ in data.batches(100, epochs=2, shuffle=True, seed=seed)])

    first = order(500, 1)
    np.testing.assert_array_equal(first, order(1700, 1))
    assert (first != order(500, 2)).any()
    assert (first[:rows] != first[rows:]).any()
    assert np.abs(first[:rows] - np.arange(rows)).mean() > rows / 6


@given(st.lists(st.booleans(), min_size=30, max_size=30), st.lists(st.booleans(), min_size=30, max_size=30))
def test_a_part_of_the_rows_is_a_dataset(tmp_path_factory, first, second):
    """In the file's order, in every shape; a part of a part too."""
    table = pa.table(
        {"x": np.arange(30.0), "y": [f"{number % 3}" for number in range(30)], "w": np.arange(30.0)}
    )
    whole = opened(tmp_path_factory.mktemp("part"), table, columns("x", label="y", weight="w"))
    rows = np.flatnonzero(first)
    inner = np.flatnonzero(second[: len(rows)])
    for data, numbers in ((whole.only(rows), rows), (whole.only(rows).only(inner), rows[inner])):
        expected = table.take(pa.array(numbers, pa.int64()))
        assert data.rows == len(numbers)
        assert data.table().equals(expected)
        matrix, labels = data.arrays()
        assert matrix[:, 0].tolist() == numbers.tolist()
        assert labels.tolist() == data.labels().tolist() == expected["y"].to_pylist()
        assert data.weights().tolist() == numbers.tolist()
        batches = [batch.tolist() for batch, _ in data.batches(4)]
        assert [x for batch in batches for (x,) in batch] == numbers.tolist()
        assert list(data.classes) == sorted(set(expected["y"].to_pylist()))
