"""The rows of a query, and the first rows of a frame, each asked of Java in one call.

PySpark makes a list of the parameters of a query, which has none, in four calls more. For rows it asks
a dozen times, has a server made for them, connects to that, and reads its own stack for the line of
Python that Spark's UI is told: for a small result as much as Spark's own work.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from mlsql.spark.compiled import USES_WORTH_IT, CompiledLater

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession


def lazy_rows(spark: SparkSession, query: str) -> DataFrame:
    """What ``spark.sql(query)`` gives."""
    from pyspark.sql.classic.dataframe import DataFrame

    return DataFrame(spark._jsparkSession.sql(query), spark)


class FirstRows:
    """Takes rows of the frames of all sessions of one Spark, the first few times as PySpark does."""

    def __init__(self, by_spark: int = USES_WORTH_IT) -> None:
        self._taker = CompiledLater("FirstRows", by_spark)

    def take(self, frame: DataFrame, limit: int) -> list[Row]:
        """What ``frame.take(limit)`` gives."""
        if (taker := self._taker.of(frame.sparkSession)) is None:
            return frame.take(limit)
        return _read(taker.of(frame._jdf, limit))


def _read(given: Any) -> list[Row]:
    """Rows that came along, or that a socket serves."""
    from pyspark.serializers import BatchedSerializer, CPickleSerializer
    from pyspark.util import _load_from_socket

    pickled: Any = CPickleSerializer()
    if isinstance(given, str):
        return list(pickled.loads(b64decode(given)))
    batches: Any = BatchedSerializer
    return list(_load_from_socket(given, batches(pickled)))
