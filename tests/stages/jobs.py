"""How many Spark jobs something starts."""

from __future__ import annotations


def jobs_of(spark, act):
    """The number of jobs that *act* starts."""
    before = jobs_started(spark)
    act()
    return jobs_started(spark) - before


def jobs_started(spark):
    """How many jobs have been started so far; Spark's own list of them forgets old ones at any time."""
    return spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
