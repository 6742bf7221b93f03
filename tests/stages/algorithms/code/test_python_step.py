"""Tables made of tables by Python in the script."""

from __future__ import annotations

import pytest

from mlsql.errors import DataError, MissingColumn, ScriptError

pytestmark = pytest.mark.spark

NUMBERS = "select id, id % 2 as half, if(id = 3, null, id) as gap from range(0, 6, 1, 2) as numbers;"


def step(options, code, path=""):
    """A script that runs *code* over the numbers."""
    return f"{NUMBERS}\nrun numbers as PythonStep.`{path}` where {options} and code='''\n{code}\n''' as made;"


def test_a_partition_comes_whole(scripts):
    """As a pandas frame; of the answer the declared columns are taken, by their names."""
    code = """
import pandas as pd

def apply(frame):
    return pd.DataFrame({"more": 1, "total": [int(frame["id"].sum())], "count": [len(frame)]})
"""
    rows = scripts.rows(step('schema="st(field(count,integer),field(total,long))"', code))
    assert sorted(row.items() for row in map(dict, rows)) == [
        {"count": 3, "total": 3}.items(),
        {"count": 3, "total": 12}.items(),
    ]


@pytest.mark.parametrize("form", ["pandas", "arrow"])
def test_rows_of_a_group_come_together(scripts, form):
    """As a frame or as a table of Arrow."""
    code = """
def apply(rows):
    if hasattr(rows, "to_pandas"):
        rows = rows.sort_by([("id", "descending")])
        return rows.slice(0, 1)
    return rows.nlargest(1, "id")
"""
    options = f'schema="half long, id long" and groupBy="half" and dataFormat="{form}"'
    rows = scripts.rows(step(options, code))
    assert sorted(map(tuple, (row.values() for row in rows))) == [(0, 4), (1, 5)]


def test_arrow_keeps_integers_beside_nulls(scripts):
    """A partition as one table."""
    code = """
def apply(table):
    return table.filter(table["gap"].is_null())
"""
    rows = scripts.rows(step('schema="id long, gap long" and dataFormat="arrow"', code))
    assert rows == [{"id": 3, "gap": None}]


def test_what_fails_is_told_with_the_line_of_the_code(scripts):
    """Also an answer that has not the columns that were declared."""
    code = "def apply(frame):\n    return frame[['id']]"
    with pytest.raises(DataError) as told, scripts.run.guard():
        scripts(step('schema="id long, name string"', code)).collect()
    assert told.value.message == "PythonStep fails: TypeError: it answers no column 'name' but id"
    with pytest.raises(DataError) as told, scripts.run.guard():
        scripts(step('schema="id long"', "def apply(frame):\n    return frame['ide']")).collect()
    assert told.value.message == (
        "PythonStep fails in apply, test.mlsql:4, at `return frame['ide']`: KeyError: 'ide'"
    )


@pytest.mark.parametrize(
    ("options", "code", "kind", "message"),
    [
        ('schema="id lon"', "def apply(f): return f", ScriptError, "no type is called 'lon'"),
        ('schema="id"', "def apply(f): return f", ScriptError, "option 'schema' takes"),
        ('schema="id long"', "def apply(f) return f", ScriptError, "no Python: expected ':'"),
        ('schema="id long"', "def apply(a, b): return a", ScriptError, "apply is called with one table"),
        ('schema="id long"', "x = 1", ScriptError, "test.mlsql defines no function 'apply'"),
        (
            'schema="id long" and groupBy="hlf"',
            "def apply(f): return f",
            MissingColumn,
            "the table has no column",
        ),
    ],
)
def test_a_wrong_step_is_told_before_it_runs(scripts, options, code, kind, message):
    """At the option, or at the line of the code."""
    with pytest.raises(kind) as told:
        scripts(step(options, code))
    assert told.value.message.startswith(message)
    assert told.value.span is not None
