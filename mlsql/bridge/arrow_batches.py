"""The rows of a Spark frame as Arrow batches that the executors' Java has encoded, for their Python.

``mapInArrow`` would do the same at twice the cost: it copies every batch through small buffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import DataFrame


@contextmanager
def arrow_batches(frame: DataFrame) -> Iterator[RDD[bytes]]:
    """The rows, partition by partition, in record batches that :func:`read_batch` reads.

    Jobs over them are started inside of the block: their tasks know the settings of the frame's session.
    """
    from pyspark import RDD
    from pyspark.serializers import NoOpSerializer

    context = frame.sparkSession.sparkContext
    with _settings_sent(frame):
        batches = frame._jdf.toArrowBatchRdd().toJavaRDD()  # noqa: SLF001 — what toArrow itself collects
        yield RDD(batches, context, NoOpSerializer())


def encoding_of(frame: DataFrame) -> pa.Schema:
    """The schema of the batches; by a setting of Spark its texts may be large ones."""
    from pyspark.sql.pandas.types import to_arrow_schema

    large = frame.sparkSession._jconf.arrowUseLargeVarTypes()  # noqa: SLF001 — as toArrow asks
    return to_arrow_schema(frame.schema, prefers_large_types=large)


def read_batch(encoded: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """The rows of one batch, in its memory."""
    return pa.ipc.read_record_batch(pa.py_buffer(encoded), schema)


@contextmanager
def _settings_sent(frame: DataFrame) -> Iterator[None]:
    """A block whose jobs carry the settings of the frame's session, as Spark sends them with a query."""
    java: Any = frame.sparkSession._jsparkSession  # noqa: SLF001 — Python can set one property at a time
    context = java.sparkContext()
    before = context.getLocalProperties()
    properties = before.clone()
    properties.putAll(java.sessionState().conf().settings())
    context.setLocalProperties(properties)
    try:
        yield
    finally:
        context.setLocalProperties(before)
