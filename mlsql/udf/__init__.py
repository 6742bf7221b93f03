"""What SQL can call: functions that come with this package, and functions made from stored models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register_builtins(spark: SparkSession) -> None:
    """Put the functions that come with this package into *spark*; doing it again changes nothing."""
    from mlsql.udf import functions

    functions.register_builtins(spark)
