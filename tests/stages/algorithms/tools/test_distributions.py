from __future__ import annotations

import json

import pytest

from mlsql.bridge.errors import DataFault
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark


@pytest.fixture
def people(scripts):
    """Scripts with a table of texts, numbers and nulls, whose columns have unusual names."""
    rows = [("Ab-12", 1), ("Cd-34", 1), ("x", None), ("", 2), (None, 2), ("张三 9", 3)]
    scripts.table("people", rows, "`the.name` string, `数` int")
    return scripts


def test_the_commonest_values_of_each_column(people, spark):
    """By value; a null is an empty text; building the table starts no Spark job."""
    with job_group(spark, "descriptive-laziness", ""):
        frame = people('run people as DescriptiveMetrics.`` where metricSize="2" as t;')
    assert list(spark.sparkContext.statusTracker().getJobIdsForGroup("descriptive-laziness")) == []
    found = {row.columnName: json.loads(row.descriptiveMetrics) for row in frame.collect()}
    assert found == {"the.name": [{"": 2}, {"Ab-12": 1}], "数": [{"1": 2}, {"2": 2}]}


def test_the_shapes_of_texts(people):
    """Signs for letters and digits, runs in short, the commonest first, with their share."""
    rows = people.rows('run people as PatternDistribution.`` where limit="2" as t;')
    assert [row["columnName"] for row in rows] == ["the.name"]
    told = json.loads(rows[0]["patternDistribution"])
    assert (told["totalCount"], told["limit"]) == (3, 2)
    assert told["colPatternDistribution"] == [
        {"pattern": "Aa-99", "alternativePattern": "Aa-9(2)", "count": 2, "ratio": 0.5},
        {"pattern": "AA 9", "alternativePattern": "A(2) 9", "count": 1, "ratio": 0.25},
    ]


def test_empty_texts_count_when_they_are_asked_for(people):
    """And long patterns are cut."""
    options = 'excludeEmptyVal="false" and patternLimit="1"'
    (row,) = people.rows(f"run people as PatternDistribution.`` where {options} as t;")
    told = json.loads(row["patternDistribution"])["colPatternDistribution"]
    assert {(each["pattern"], each["alternativePattern"]) for each in told} == {
        ("A", "Aa-9(2)"), ("", ""), ("a", "a"), ("A", "A(2) 9")
    }  # fmt: skip


def test_a_table_without_texts_has_no_shapes(scripts):
    """The error says so."""
    with pytest.raises(DataFault, match="no column of texts"):
        scripts("select 1 as a as t; run t as PatternDistribution.`` as u;")
