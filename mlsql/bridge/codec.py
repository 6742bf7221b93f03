"""Record batches to message bodies and back: complete Arrow IPC streams, cut to size."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

import pyarrow as pa
from crc32c import crc32c

from mlsql.bridge.errors import TransportError
from mlsql.bridge.messages import Body

ENVELOPE = 16 * 1024
"""Bytes that a transport may add to a body for its header and framing."""


def fingerprint(schema: pa.Schema) -> str:
    """The same 16 hexadecimal digits for the same columns and types, whatever the metadata."""
    return hashlib.sha256(schema.remove_metadata().serialize()).hexdigest()[:16]


def write_schema(schema: pa.Schema) -> str:
    """The schema as text: Arrow IPC in base64."""
    return base64.b64encode(schema.serialize()).decode()


def read_schema(text: str) -> pa.Schema:
    """The inverse of :func:`write_schema`."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def checksum(body: Body) -> int:
    """The CRC-32C of a body."""
    return int(crc32c(body))


def chain(crc: int, message_crc: int) -> int:
    """The CRC-32C of a part up to and with a message, from the one before it; starts with 0."""
    return int(crc32c(message_crc.to_bytes(4, "little"), crc))


def encode(table: pa.Table) -> memoryview:
    """The table as one Arrow IPC stream."""
    body = pa.allocate_buffer(encoded_size(table))
    _write(table, pa.FixedSizeBufferWriter(body))
    return memoryview(body)


def encoded_size(table: pa.Table) -> int:
    """How many bytes :func:`encode` gives; nothing is copied."""
    sink = pa.MockOutputStream()
    _write(table, sink)
    return int(sink.size())


def _write(table: pa.Table, sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def decode(body: Body) -> list[pa.RecordBatch]:
    """The record batches of a body, sharing its memory; the inverse of :func:`encode`."""
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        return list(reader)


def bodies(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: int
) -> Iterator[tuple[int, memoryview]]:
    """(rows, body) for all rows in their order, the bodies nearly and never above *limit* bytes.

    Every body has *schema*. A row that does not fit is a TransportError.
    """
    for table in _grouped((_shaped(batch, schema) for batch in batches), limit):
        yield from _fitting(table, limit)


def _shaped(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with *schema*, column by column: Spark may send times of another zone, or large texts."""
    columns = zip(batch.columns, schema.types, strict=True)
    shaped = [column if column.type == kind else column.cast(kind) for column, kind in columns]
    return pa.RecordBatch.from_arrays(shaped, schema=schema)


def _grouped(batches: Iterable[pa.RecordBatch], limit: int) -> Iterator[pa.Table]:
    """Neighbouring batches put together, or equal pieces of a large one, of nearly *limit* bytes."""
    held: list[pa.RecordBatch] = []
    size = 0
    for piece in (piece for batch in batches for piece in _pieces(batch, limit * 9 // 10)):
        if held and size + piece.nbytes > limit * 9 // 10:
            yield pa.Table.from_batches(held).combine_chunks()
            held, size = [], 0
        held.append(piece)
        size += piece.nbytes
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _pieces(batch: pa.RecordBatch, limit: int) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    count = min(batch.num_rows, -(-batch.nbytes // limit))
    step = -(-batch.num_rows // max(1, count))
    yield from (batch.slice(start, step) for start in range(0, batch.num_rows, step))


def _fitting(table: pa.Table, limit: int) -> Iterator[tuple[int, memoryview]]:
    """The table in as many bodies as it takes."""
    size = encoded_size(table)
    if size <= limit:
        yield table.num_rows, encode(table)
        return
    if table.num_rows == 1:
        raise TransportError(
            f"a row takes {size:,} bytes, and a message only {limit:,}",
            hint="raise the setting bridge.message_bytes",
        )
    half = table.num_rows // 2
    yield from _fitting(table.slice(0, half), limit)
    yield from _fitting(table.slice(half), limit)
