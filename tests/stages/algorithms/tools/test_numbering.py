from __future__ import annotations

import pytest

from mlsql.bridge.errors import DataFault

pytestmark = pytest.mark.spark


def numbers_of(scripts, table, name):
    """The number of each row, by what it holds."""
    frame = scripts(f"run {table} as {name}.`` as numbered;")
    return {row["n"]: row["id"] for row in frame.collect()}


def test_rows_are_numbered_without_gaps_and_always_alike(scripts, spark):
    """Whatever the partitions are and in which order the rows come."""
    frame = spark.range(300).selectExpr("id as n", "array(id) as list")
    frame.createOrReplaceTempView("t")
    scripts.run.spark.range(300).selectExpr("id as n", "array(id) as list").createOrReplaceTempView("t")
    scripts("select * from t distribute by n % 7 sort by -n as shuffled;")
    found = numbers_of(scripts, "t", "AutoIncrementKeyExt")
    assert sorted(found.values()) == list(range(300))
    assert numbers_of(scripts, "shuffled", "AutoIncrementKeyExt") == found


def test_a_new_column_of_numbers_comes_first(scripts):
    """From 1 on; equal rows have numbers of their own."""
    frame = scripts("select 'a' as b from range(3) as t; run t as UniqueIdentifier.`` as u;")
    assert frame.columns == ["Unique_ID", "b"]
    assert sorted(row["Unique_ID"] for row in frame.collect()) == [1, 2, 3]


def test_a_column_is_replaced_where_it_stands(scripts):
    """Or made when it is not there."""
    options = 'source="replace" and columnName="A.B"'
    frame = scripts(f"select 'x' as `a.b`, 1 as c as t; run t as UniqueIdentifier.`` where {options} as u;")
    assert [tuple(row) for row in frame.collect()] == [(1, 1)]
    frame = scripts(f"select 1 as c as t; run t as UniqueIdentifier.`` where {options} as u;")
    assert frame.columns == ["A.B", "c"]


def test_the_columns_can_be_asked_for_alone(scripts):
    """Of the table, or of one that is described."""
    options = 'mode="inferSchema" and columnName="n"'
    rows = scripts.rows(f"select 'x' as a as t; run t as UniqueIdentifier.`` where {options} as u;")
    assert [tuple(row.values()) for row in rows] == [("n", "bigint"), ("a", "string")]
    options = f"""{options} and source="replace" and inputSchema='''{{"n":"int","b":"date"}}'''"""
    rows = scripts.rows(f"run t as UniqueIdentifier.`` where {options} as u;")
    assert [tuple(row.values()) for row in rows] == [("n", "bigint"), ("b", "date")]


@pytest.mark.parametrize("script", ["AutoIncrementKeyExt.``", 'UniqueIdentifier.`` where columnName="id"'])
def test_a_column_of_the_user_is_not_overwritten(scripts, script):
    """The error says what to do."""
    with pytest.raises(DataFault, match=r"has a column 'id' already"):
        scripts(f"select 1 as ID as t; run t as {script} as u;")
