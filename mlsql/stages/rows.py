"""A few rows that the driver knows, as a table: looking at it starts no Spark job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def local_table(spark: SparkSession, rows: Sequence[Sequence[Any]], schema: str) -> DataFrame:
    """The *rows* as a frame whose *schema* is written as Spark does (``name string, size bigint``).

    PySpark makes an RDD of a list of rows, and reading that is a job; rows in Arrow stay in the driver.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    kinds = cast("StructType", StructType.fromDDL(schema))
    arrow = to_arrow_schema(kinds)
    columns = [
        pa.array([row[number] for row in rows], each.type, from_pandas=True)
        for number, each in enumerate(arrow)
    ]
    return spark.createDataFrame(pa.Table.from_arrays(columns, schema=arrow), schema=kinds)
