"""How many Spark jobs something starts."""

from __future__ import annotations


def jobs_of(spark, act):
    """The number of jobs outside of any group that *act* starts."""
    before = _started(spark)
    act()
    return _started(spark) - before


def _started(spark):
    return len(spark.sparkContext.statusTracker().getJobIdsForGroup(None))
