from __future__ import annotations

import pytest

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import MissingColumn, MissingOption
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark

ROWS = [
    ("张三", "数学", 88),
    ("张三", "语 文.1", 92),
    ("王五", "数学", 65),
    ("王五", "数学", 5),
    ("王五", None, 1),
]

_REST = 'unPivotCols="the name" and aggCol="v"'


@pytest.fixture
def scores(scripts):
    """Scripts with a long table of scores."""
    scripts.table("scores", ROWS, "`the name` string, `sub.ject` string, score int")
    return scripts


def test_rows_become_columns_and_columns_rows(scores):
    """As the example of Byzer's DataTranspose; nulls of the wide table stay."""
    wide = scores(
        'run scores as DataTranspose.`` where method="pivot" and indexCols="the name" '
        'and inputCol="sub.ject" and aggCol="score" as wide; select * from wide order by `the name` as w;'
    )
    assert wide.columns == ["the name", "数学", "语 文.1"]
    assert [tuple(row) for row in wide.collect()] == [("张三", 88, 92), ("王五", 70, None)]
    long = scores(
        'run wide as DataTranspose.`` where method="unpivot" and indexCols="the name" '
        'and unPivotCols="数学,语 文.1" and mergedCol="subject" and aggCol="points" as long;'
    )
    assert long.columns == ["the name", "subject", "points"]
    assert ("王五", "语 文.1", None) in [tuple(row) for row in long.collect()]


def test_values_that_are_named_make_a_lazy_pivot(scores, spark):
    """Several aggregates have columns of their own; numbers are named as texts."""
    with job_group(spark, "pivot-laziness", ""):
        frame = scores(
            'run scores as Pivot.`` where columnLeft="the name" and columnHeader="sub.ject" '
            'and columnHeaderFields="数学" and columnSum="score" and sunFunc="sum(score),max" as p;'
        )
    assert list(spark.sparkContext.statusTracker().getJobIdsForGroup("pivot-laziness")) == []
    assert frame.columns == ["the name", "数学_score_sum", "数学_score_max"]
    assert sorted(map(tuple, frame.collect())) == [("张三", 88, 88), ("王五", 70, 65)]


def test_columns_are_in_the_order_of_the_values(scripts):
    """Nine before ten."""
    frame = scripts(
        "select id % 2 as a, id as b from range(8, 12) as t; run t as Pivot.`` where columnLeft='a' "
        "and columnHeader='b' and sumFunc='count' as p;"
    )
    assert frame.columns == ["a", "8", "9", "10", "11"]


_REFUSED = [
    ('Pivot.`` where columnLeft="x" and columnHeader="score"', MissingColumn, "no column 'x'"),
    ('Pivot.`` where columnLeft="score" and columnHeader="score"', OptionFault, "'sum' needs a column"),
    (
        'Pivot.`` where columnLeft="score" and columnHeader="score" and sumFunc="summ(score)"',
        OptionFault,
        "'summ' is no aggregate",
    ),
    (
        'DataTranspose.`` where method="pivot" and indexCols="score" and aggCol="score"',
        MissingOption,
        "inputCol",
    ),
    (
        'DataTranspose.`` where method="unpivot" and indexCols="score" and mergedCol="score" and ' + _REST,
        DataFault,
        "has a column 'score' already",
    ),
]


def test_what_cannot_be_turned_is_an_error(scores):
    """At the option."""
    for script, error, message in _REFUSED:
        with pytest.raises(error, match=message):
            scores(f"run scores as {script} as p;")
