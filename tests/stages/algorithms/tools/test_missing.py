from __future__ import annotations

import math

import pytest

from mlsql.bridge.errors import DataFault
from mlsql.errors import MissingOption

pytestmark = pytest.mark.spark


@pytest.fixture
def table(scripts):
    """Scripts with a table that lacks a value in each column."""
    rows = [(1, 2.0, "a"), (None, 4.0, "b"), (3, math.nan, None), (3, 6.0, "b")]
    scripts.table("t", rows, "`a.b` int, x double, `名` string")
    return scripts


def filled(table, options):
    """The rows as tuples after filling."""
    return [
        tuple(row) for row in table(f"run t as DataMissingValueProcess.`` where {options} as u;").collect()
    ]


def test_the_mean_fills_numbers(table):
    """Of all columns in one aggregate; NaN is missing; the others stay as they are."""
    assert filled(table, 'processColumns="a.b,x"') == [
        (1.0, 2.0, "a"),
        (7 / 3, 4.0, "b"),
        (3.0, 4.0, None),
        (3.0, 6.0, "b"),
    ]


def test_the_mode_fills_anything(table):
    """In the column's own type; of equally common values the first."""
    assert filled(table, 'method="mode" and processColumns="a.b,名"')[1:3] == [
        (3, 4.0, "b"),
        (3, pytest.approx(math.nan, nan_ok=True), "b"),
    ]


def test_rows_that_lack_something_are_dropped(table):
    """Of all columns, or of those named."""
    assert filled(table, 'method="drop"') == [(1, 2.0, "a"), (3, 6.0, "b")]
    assert len(filled(table, 'method="drop" and processColumns="x"')) == 3


def test_a_forest_fills_by_the_other_numbers(scripts):
    """What it learns from the rows that have the value; no row is lost, and what was there stays."""
    rows = [(n, None if n == 7 else 10.0 * (n > 9), "s") for n in range(20)]
    scripts.table("t", rows, "n int, y double, s string")
    found = filled(scripts, 'method="randomforest" and processColumns="y"')
    assert [row[0] for row in found] == list(range(20))
    assert found[7][1] < 2
    assert [row[1] for row in found if row[0] != 7] == [row[1] for row in rows if row[0] != 7]


_REFUSED = [
    ('processColumns="名"', DataFault, "'名' is string; it has to hold numbers"),
    ('method="mode"', MissingOption, "processColumns"),
]


def test_what_cannot_be_filled_is_an_error(table):
    """The mean of texts, and nothing named."""
    for options, error, message in _REFUSED:
        with pytest.raises(error, match=message):
            filled(table, options)


def test_a_column_of_nulls_has_nothing_to_fill_it_with(scripts):
    """The error names it."""
    with pytest.raises(DataFault, match="'a' has no value"):
        scripts(
            'select int(null) as a as t; run t as DataMissingValueProcess.`` where processColumns="a" as u;'
        )
