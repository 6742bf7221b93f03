"""The functions that every session has, as expressions over Spark's own.

``array<double>`` as a parameter takes a vector too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.udf.catalyst import Functions
from mlsql.udf.vectors import CONVERSIONS, VECTOR_FUNCTIONS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register_builtins(spark: SparkSession) -> None:
    """Put the functions that come with this package into *spark*; doing it again changes nothing."""
    functions = Functions(spark)
    for name in CONVERSIONS:
        functions.expose(name)
    for signature, body in VECTOR_FUNCTIONS.items():
        functions.define(signature, functions.sql(body))
