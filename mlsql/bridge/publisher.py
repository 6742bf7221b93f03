"""A Spark frame to the messages of a stream: executors send, each task reports a line of the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from mlsql.bridge import codec
from mlsql.bridge.arrow_batches import arrow_batches, encoding_of, read_batch
from mlsql.bridge.errors import TransportError
from mlsql.bridge.messages import Body, Header, Ledger, Part
from mlsql.bridge.transport import Stream, Writer

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

ORDERED_PARTITIONS = 8
"""Of an ordered stream: fixed, so that the order does not depend on files, cores or settings."""


class TaskFault(Exception):
    """A TransportError on its way from a task to the driver: as JSON, for Spark keeps only the text."""


def publish(frame: DataFrame, stream: Stream, *, message_bytes: int, ordered: bool = False) -> Ledger:
    """Send all rows of *frame*, in one Spark job, and get the ledger of what was sent.

    Messages have nearly and never above *message_bytes*; a row that does not fit is a
    TransportError. *ordered*: the same rows come in the same order, whatever the frame's files and
    partitions are.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(frame.schema)
    shape, encoding = codec.write_schema(schema), codec.write_schema(encoding_of(frame))

    def send(batches: Iterable[bytes]) -> Iterable[Part]:
        read = partial(read_batch, schema=codec.read_schema(encoding))
        yield send_partition(map(read, batches), stream, shape, message_bytes)

    rows = _in_content_order(frame) if ordered else frame
    try:
        with arrow_batches(rows) as batches:
            parts = batches.mapPartitions(send).collect()
    except (PySparkException, Py4JJavaError) as error:
        if fault := _fault_in(str(error)):
            raise fault from error
        raise
    in_order = sorted(parts, key=lambda part: part.partition)
    return Ledger(stream.job, stream.name, codec.fingerprint(schema), shape, tuple(in_order))


def send_partition(batches: Iterable[pa.RecordBatch], stream: Stream, shape: str, message_bytes: int) -> Part:
    """Send what a task is given; runs on executors."""
    from pyspark import TaskContext

    task = TaskContext.get()
    assert task is not None
    partition, attempt = task.partitionId(), task.taskAttemptId()
    schema = codec.read_schema(shape)
    blank = Header(stream.job, stream.name, partition, attempt, 0, 0, 0, codec.fingerprint(schema))
    with _told(), stream.writer(partition, attempt, again=task.attemptNumber() > 0) as writer:
        return send_all(codec.bodies(batches, schema, message_bytes), writer, blank)


def send_all(bodies: Iterable[tuple[int, Body]], writer: Writer, blank: Header) -> Part:
    """Send (rows, body) one after the other with the header *blank* filled in; the part of the ledger."""
    messages = rows = size = crc = 0
    for count, body in bodies:
        check = codec.checksum(body)
        writer.send(replace(blank, sequence=messages, rows=count, crc32c=check), body)
        messages, rows, size, crc = messages + 1, rows + count, size + len(body), codec.chain(crc, check)
    return Part(blank.partition, blank.attempt, messages, rows, size, crc, *writer.finish())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        facts = {"message": error.message, "hint": error.hint, "retriable": error.retriable}
        raise TaskFault(json.dumps(facts)) from error


def _fault_in(text: str) -> TransportError | None:
    """The TransportError of a task, from what Spark says of the job's failure."""
    found = re.search(r"TaskFault: (\{.*\})", text)
    return TransportError(**json.loads(found.group(1))) if found else None


def _in_content_order(frame: DataFrame) -> DataFrame:
    """Rows sorted by a hash of their content within partitions by that hash; equal hashes by the columns.

    Zeros of either sign are equal to a sort, so the text of floating columns decides at last.
    """
    from pyspark.sql import functions as F  # noqa: N812 (what everybody calls it)

    # By names without a dot, which ``frame[…]`` takes for the field of a struct.
    frame = frame.toDF(*(f"c{number}" for number in range(len(frame.schema))))
    columns = [_sortable(frame[field.name], field.dataType) for field in frame.schema]
    content = F.xxhash64(*columns)
    texts = [
        column.cast("string")
        for column, field in zip(columns, frame.schema, strict=True)
        if re.search("double|float", field.dataType.simpleString())
    ]
    return frame.repartition(ORDERED_PARTITIONS, content).sortWithinPartitions(content, *columns, *texts)


def _sortable(column: Column, kind: DataType) -> Column:
    """The column, a map (which Spark neither hashes nor sorts) as its sorted entries."""
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql.types import MapType

    return F.array_sort(F.map_entries(column)) if isinstance(kind, MapType) else column
