"""What the service asks of a real Spark."""

from __future__ import annotations

import pytest

import mlsql
from mlsql.rest.cluster import SparkCluster


@pytest.fixture
def cluster(spark, launcher):
    """The suite's Spark."""
    with mlsql.Engine(spark, launcher=launcher) as engine:
        yield SparkCluster(engine)


@pytest.mark.spark
def test_a_spark_that_lives_answers_and_tells_what_it_has(cluster):
    """Without a Spark job, so that a busy one answers too; memory is that of its executors."""
    jobs = cluster.engine.spark.sparkContext.statusTracker().getJobIdsForGroup(None)
    cluster.answer()
    assert cluster.engine.spark.sparkContext.statusTracker().getJobIdsForGroup(None) == jobs
    found = cluster.resources()
    assert found["totalCores"] == 2
    assert found["totalMemory"] > found["totalUsedMemory"] >= 0


@pytest.mark.spark
def test_a_session_is_closed_for_its_owner(cluster):
    """Others keep theirs."""
    ann, bob = cluster.engine.session("ann"), cluster.engine.session("bob")
    cluster.log_out("ann")
    assert cluster.engine.session("ann") is not ann
    assert cluster.engine.session("bob") is bob
