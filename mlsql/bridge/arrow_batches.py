"""The rows of a Spark frame as Arrow batches that the executors' Java has encoded, for their Python.

``mapInArrow`` would do the same at twice the cost: it copies every batch through small buffers. It
does so outside of Java's heap, where we hold whole batches, so ours are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import DataFrame

_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
_BATCH_BYTES = 4 * 1024 * 1024
"""What a batch has when its rows are as large as we take them to be; Java holds some copies a task."""
_UNKNOWN_BYTES = 8 * 1024
"""For all that has no size of its own in a row: texts, arrays, vectors."""


@contextmanager
def arrow_batches(frame: DataFrame) -> Iterator[RDD[bytes]]:
    """The rows, partition by partition, in record batches that :func:`read_batch` reads.

    Jobs over them are started inside of the block: their tasks know the settings of the frame's session.
    """
    from pyspark import RDD
    from pyspark.serializers import NoOpSerializer

    context = frame.sparkSession.sparkContext
    with _settings_sent(frame):
        batches = _bounded(frame).toArrowBatchRdd().toJavaRDD()  # what toArrow itself collects
        yield RDD(batches, context, NoOpSerializer())


def encoding_of(frame: DataFrame) -> pa.Schema:
    """The schema of the batches; by a setting of Spark its texts may be large ones."""
    from pyspark.sql.pandas.types import to_arrow_schema

    large = frame.sparkSession._jconf.arrowUseLargeVarTypes()  # noqa: SLF001 — as toArrow asks
    return to_arrow_schema(frame.schema, prefers_large_types=large)


def read_batch(encoded: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """The rows of one batch, in its memory."""
    return pa.ipc.read_record_batch(pa.py_buffer(encoded), schema)


def _bounded(frame: DataFrame) -> Any:
    """Java's *frame*, in a copy of its session where that would have too many rows in a batch."""
    java = frame._jdf  # noqa: SLF001 — Python cannot copy a session
    rows = max(1, _BATCH_BYTES // _row_bytes(encoding_of(frame)))
    if 0 < java.sparkSession().sessionState().conf().arrowMaxRecordsPerBatch() <= rows:
        return java
    session = java.sparkSession().cloneSession()
    session.conf().set(_ROWS, str(rows))
    return java.ofRows(session, java.queryExecution().analyzed())


def _row_bytes(schema: pa.Schema) -> int:
    """How large a row is taken to be."""
    sizes = [_bytes(kind) for kind in schema.types]
    return sum(size or 0 for size in sizes) + (_UNKNOWN_BYTES if None in sizes else 0)


def _bytes(kind: pa.DataType) -> int | None:
    """How many bytes a value takes, at least one; None for what has no size of its own."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return None


@contextmanager
def _settings_sent(frame: DataFrame) -> Iterator[None]:
    """A block whose jobs carry the settings of the frame's session, as Spark sends them with a query."""
    java: Any = frame.sparkSession._jsparkSession  # noqa: SLF001 — Python can set one property at a time
    context = java.sparkContext()
    before = context.getLocalProperties()
    properties = before.clone()
    properties.putAll(java.sessionState().conf().clone().settings())  # others may set some meanwhile
    context.setLocalProperties(properties)
    try:
        yield
    finally:
        context.setLocalProperties(before)
