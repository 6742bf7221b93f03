from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark

ROWS = [
    (1, "a", 1.5, None, [1]),
    (2, "bb", math.nan, True, [2]),
    (3, " ", 4.0, True, None),
    (4, None, 10.0, False, [2]),
    (5, "bb", 4.0, True, [1]),
]


@pytest.fixture
def table(scripts):
    """Scripts with a table of every kind of column."""
    scripts.table("t", ROWS, "`the.id` bigint, `文 本` string, x double, flag boolean, list array<int>")
    return scripts


def test_each_column_is_summed_up(table, spark):
    """In two aggregates: one that counts values, one for all else."""
    with job_group(spark, "summary-jobs", ""):
        frame = table('run t as DataSummary.`` where roundAt="12" as s;')
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("summary-jobs")
    assert len(jobs) <= 6  # Spark starts a job for each stage of an aggregate
    rows = {row["columnName"]: row.asDict() for row in frame.collect()}
    assert [row["ordinalPosition"] for row in rows.values()] == [1, 2, 3, 4, 5]
    x, known = rows["x"], pd.Series([1.5, 4.0, 10.0, 4.0])
    assert [x[name] for name in ("mean", "standardDeviation", "standardError", "%25", "median", "%75")] == (
        pytest.approx(
            [known.mean(), known.std(), known.sem(), *np.percentile(known, [25, 50, 75])], abs=1e-12
        )
    )
    assert (x["min"], x["max"], x["mode"], x["dataLength"]) == ("1.5", "10.0", "4.0", 8)
    assert (x["nonNullCount"], x["nullValueRatio"], x["uniqueValueRatio"]) == (4, 0.2, 0.75)
    text = rows["文 本"]
    assert (text["maximumLength"], text["minimumLength"], text["dataLength"]) == (2, 1, 2)
    assert (text["blankValueRatio"], text["nullValueRatio"], text["mode"]) == (0.2, 0.2, "bb")
    assert (text["mean"], text["median"], text["min"], text["max"]) == (None, None, " ", "bb")
    assert [row["primaryKeyCandidate"] for row in rows.values()] == [1, 0, 0, 0, 0]
    assert (rows["list"]["categoryCount"], rows["list"]["max"], rows["list"]["dataType"]) == (
        2,
        None,
        "array<int>",
    )
    assert (rows["flag"]["mode"], rows["flag"]["max"]) == ("true", "true")


def test_only_the_metrics_asked_for_are_told(table):
    """In any case, 25% and %25 alike, rounded to so many places; ratios to two more."""
    frame = table('run t as DataSummary.`` where metrics="Median, 75%, nullValueRatio" and roundAt="0" as s;')
    assert frame.columns == ["columnName", "ordinalPosition", "nullValueRatio", "median", "%75"]
    assert frame.collect()[2].asDict() == {
        "columnName": "x",
        "ordinalPosition": 3,
        "nullValueRatio": 0.2,
        "median": 4.0,
        "%75": 6.0,
    }


def test_an_approximate_quantile_is_a_value_of_the_table(table):
    """As near as the error allows; the number of values may be approximate too."""
    frame = table(
        'run t as DataSummary.`` where metrics="median,categoryCount" and approxSwitch="true" '
        'and approxCountDistinct="true" as s;'
    )
    assert [(row["median"], row["categoryCount"]) for row in frame.collect()][:3] == [
        (3.0, 5),
        (None, 3),
        (4.0, 3),
    ]


def test_an_empty_table_is_summed_up_too(scripts):
    """There is nothing to tell of it but its columns."""
    (row,) = scripts.rows("select 1.5 as a where false as t; run t as DataSummary.`` as s;")
    assert (row["columnName"], row["nonNullCount"], row["mean"], row["mode"]) == ("a", 0, None, None)


def test_an_unknown_metric_is_named(table):
    """With the nearest."""
    with pytest.raises(OptionFault, match="no metric is called 'medain'") as caught:
        table('run t as DataSummary.`` where metrics="medain" as s;')
    assert caught.value.hint == "did you mean 'median'?"
