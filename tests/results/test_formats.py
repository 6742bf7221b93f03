"""Rows in JSON and CSV: the values of every Spark type, and the two text forms."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ScriptError
from mlsql.results.cells import cell
from mlsql.results.formats import Rows, csv_lines, json_lines, read_rows

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


def rows_of(*values: tuple[Any, ...], columns: tuple[str, ...] = ("a", "b")) -> Rows:
    """Rows that need no Spark."""
    return Rows(columns, iter(values))


@given(st.lists(st.tuples(PLAIN, PLAIN)))
def test_json_gives_back_the_rows(values):
    """What a JSON reader reads is what was written, nulls and the order of columns kept."""
    read = json.loads("\n".join(json_lines(rows_of(*values))))
    assert [tuple(each.items()) for each in read] == [(("a", a), ("b", b)) for a, b in values]


@given(st.lists(st.tuples(st.text(), st.text())))
def test_csv_gives_back_the_texts(values):
    """Quotes, commas and line breaks inside a text survive a CSV reader."""
    read = list(csv.reader(io.StringIO("\n".join(csv_lines(rows_of(*values))), newline="")))
    assert [tuple(each) for each in read] == [("a", "b"), *values]


def test_csv_tells_null_from_the_empty_text():
    """A null is nothing between the commas, an empty text is a pair of quotes."""
    assert list(csv_lines(rows_of((None, "")))) == ["a,b", ',""']


def test_no_rows_are_an_empty_array():
    """A table without rows is ``[]`` in JSON."""
    assert list(json_lines(rows_of())) == ["[]"]


def test_two_columns_of_one_name_are_refused_in_json():
    """An object cannot hold both, and losing one would be silent."""
    with pytest.raises(ScriptError, match="2 columns called 'id'"):
        list(json_lines(rows_of((1, 2), columns=("id", "id"))))


def test_a_cell_of_a_table_is_one_value_in_json_or_the_text_itself():
    """Texts stand as they are; the rest as JSON says it."""
    assert [cell(each) for each in ("a", None, True, 0.1, [1, None], {"x": 1})] == [
        "a", "null", "true", "0.1", "[1,null]", '{"x":1}',
    ]  # fmt: skip


VALUES = {
    "true": True,
    "9007199254740992L": 2**53,
    "9007199254740993L": "9007199254740993",
    "cast(0.1 as float)": 0.1,
    "0.1D": 0.1,
    "1e300D": 1e300,
    "cast('NaN' as double)": None,
    "cast('-Infinity' as float)": None,
    "cast(1.50 as decimal(10,2))": "1.50",
    "cast(0 as decimal(38,18))": "0.000000000000000000",
    "'ä ö'": "ä ö",
    "X'00ff'": "AP8=",
    "date '2026-01-31'": "2026-01-31",
    "date '0001-01-01'": "0001-01-01",
    "timestamp '2026-01-01 00:00:00'": "2026-01-01T00:00:00Z",
    "timestamp '2026-01-01 12:00:00.123456+02:00'": "2026-01-01T10:00:00.123456Z",
    "timestamp '0001-01-01 00:00:00'": "0001-01-01T00:00:00Z",
    "timestamp '12026-01-01 00:00:00'": "12026-01-01T00:00:00Z",
    "timestamp_ntz '2026-01-01 00:00:00.5'": "2026-01-01T00:00:00.5",
    "interval '1-2' year to month": "INTERVAL '1-2' YEAR TO MONTH",
    "array(1.5D, null, cast('NaN' as double))": [1.5, None, None],
    "array(timestamp '2026-01-01 00:00:00')": ["2026-01-01T00:00:00Z"],
    "map(1, 'a', 2, null)": {"1": "a", "2": None},
    "map(date '2026-01-01', 1)": {"2026-01-01": 1},
    "named_struct('x', 1, 'y', array(named_struct('z', 1.5D)))": {"x": 1, "y": [{"z": 1.5}]},
    "parse_json('{\"a\": [1, 9007199254740993, 0.5]}')": {"a": [1, "9007199254740993", 0.5]},
    "null": None,
}


@pytest.mark.spark
def test_every_type_of_spark_has_its_plain_form(spark):
    """One row with a column a type reads as the table of forms says."""
    frame = spark.sql("select " + ", ".join(f"{text} as c{n}" for n, text in enumerate(VALUES)))
    assert dict(zip(VALUES, read_rows(frame, 1).take(1)[0], strict=True)) == VALUES


@pytest.mark.spark
def test_vectors_and_matrices_are_arrays(spark):
    """Dense and sparse vectors look the same; what is not finite is null."""
    from pyspark.ml.linalg import DenseMatrix, Vectors

    data = [
        (Vectors.dense([1.0, math.nan]), DenseMatrix(2, 2, [1.0, 2.0, 3.0, 4.0])),
        (Vectors.sparse(2, {1: 3.0}), None),
    ]
    rows = read_rows(spark.createDataFrame(data, ["v", "m"]))
    assert list(rows.values) == [([1.0, None], [[1.0, 3.0], [2.0, 4.0]]), ([0.0, 3.0], None)]


@pytest.mark.spark
def test_columns_of_one_name_are_read_by_position(spark):
    """``select a, a`` has two columns, also when both must be cast first."""
    frame = spark.sql("select date '2026-01-01' as a, date '2026-01-02' as a")
    assert read_rows(frame).take(2) == [("2026-01-01", "2026-01-02")]


@pytest.mark.spark
def test_rows_come_in_the_order_of_the_table_with_and_without_a_limit(spark):
    """A sorted table stays sorted; a limit takes its beginning."""
    frame = spark.range(1000, numPartitions=7).orderBy("id", ascending=False)
    assert [row[0] for row in read_rows(frame).values] == list(range(999, -1, -1))
    assert [row[0] for row in read_rows(frame, 3).values] == [999, 998, 997]
