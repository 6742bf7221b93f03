"""Rows of queries and frames: PySpark's own way and ours give the same."""

from __future__ import annotations

import pytest
from pyspark.ml.linalg import Vectors

from mlsql.spark.errors import spark_errors
from mlsql.spark.rows import FirstRows, lazy_rows

pytestmark = pytest.mark.spark

OF_MANY_TYPES = """
select id, if(id = 1, null, 'ü' || id) as text, cast(id as decimal(20, 3)) as exact, double('nan') as nothing,
       date '2020-02-29' as day, timestamp '2020-02-29 01:02:03.5' as instant, x'00ff' as bytes,
       array(map('a', struct(id as inner, null as none))) as nested, parse_json('{"a": [1]}') as variant
from range(3) order by id
"""


@pytest.fixture(scope="module")
def at_once():
    """One that asks Java once."""
    return FirstRows(by_spark=0)


def test_rows_are_those_of_pyspark(spark, at_once):
    """Values of every type, the names of the columns, and no more of them than were asked for."""
    frame = lazy_rows(spark, OF_MANY_TYPES).drop("nothing", "variant")
    for limit in (0, 2, 10):
        assert at_once.take(frame, limit) == frame.take(limit)
    assert at_once.take(frame, 1)[0].asDict().keys() == set(frame.columns)
    (row,) = at_once.take(lazy_rows(spark, OF_MANY_TYPES).select("nothing", "variant"), 1)
    assert row.nothing != row.nothing
    assert row.variant.toPython() == {"a": [1]}


def test_vectors_are_rows_too(spark, at_once):
    """A type that Python knows by a class."""
    frame = spark.createDataFrame([(Vectors.dense(1.0, 2.0),)], ["v"])
    assert at_once.take(frame, 5) == frame.take(5)


def test_many_rows_are_served_as_pyspark_serves_them(spark, at_once):
    """What is too large to come along."""
    frame = lazy_rows(spark, "select id, repeat('x', 1000) as text from range(1000) order by id")
    assert at_once.take(frame, 900) == frame.take(900)


def test_an_error_is_the_one_that_spark_raises(spark, at_once):
    """While the query is looked at, and while it runs."""
    with pytest.raises(spark_errors(), match="nowhere"):
        lazy_rows(spark, "select * from nowhere")
    with pytest.raises(spark_errors(), match="DIVIDE_BY_ZERO"):
        at_once.take(lazy_rows(spark, "select 1 / (id - 2) as a from range(3)"), 3)


def test_the_first_few_times_pyspark_is_asked(spark):
    """Then it is worth it to compile what asks once."""
    rows = FirstRows(by_spark=1)
    frame = lazy_rows(spark, "select 1 as a")
    assert [rows.take(frame, 1) for _ in range(3)] == 3 * [frame.take(1)]
