"""Rows that the driver knows, as a table."""

from __future__ import annotations

from datetime import UTC, datetime

from mlsql.stages.rows import local_table
from tests.stages.jobs import jobs_started


def test_rows_become_a_table_whose_reading_starts_no_job(spark):
    """With nulls, a name of two words, and instants in UTC."""
    before = jobs_started(spark)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    rows = [("陈", 1, True, 1.5, moment), (None, None, None, None, None)]
    frame = local_table(spark, rows, "name string, `two words` bigint, good boolean, x double, at timestamp")
    found = [tuple(row) for row in frame.withColumn("at", frame["at"].cast("string")).collect()]
    assert found == [("陈", 1, True, 1.5, "2026-01-02 03:04:05.678"), (None,) * 5]
    assert jobs_started(spark) == before


def test_a_table_may_have_no_rows_and_no_columns(spark):
    """What a command gives that finds nothing."""
    assert local_table(spark, [], "name string").collect() == []
    assert local_table(spark, [], "").columns == []
