"""How often each value of each column occurs: one aggregate for all columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.stages.algorithms.tools.fields import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField


def value_counts(frame: DataFrame, fields: Sequence[StructField]) -> DataFrame:
    """``place`` (of the column among *fields*), ``value`` as text and ``count``; lazily."""
    from pyspark.sql import functions as sf

    values = sf.array(*map(text, fields))
    return frame.select(sf.posexplode(values).alias("place", "value")).groupBy("place", "value").count()


def most_common(counts: DataFrame) -> DataFrame:
    """``place``, ``rows``, ``categories`` (how many values) and ``mode``, the first of equals."""
    from pyspark.sql import functions as sf

    value = sf.col("value")
    order = sf.when(value.isNotNull(), sf.struct(-sf.col("count"), value))
    return counts.groupBy("place").agg(
        sf.sum("count").alias("rows"),
        sf.count(value).alias("categories"),
        sf.min_by(value, order).alias("mode"),
    )
