"""Rows of the SQL lane as columns of plain values: those that a query is about, and those that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mlsql.udf.serving.lane_types import NotCarriedOver, arrow_type, doubles, spark_type

FEW = 32
"""Up to so many rows travel as JSON, which for them takes a tenth of the time of Arrow."""
VECTOR: Mapping[bytes, bytes] = {b"mlsql.form": b"vector"}
"""The metadata of a field of Arrow whose lists are vectors of Spark."""
_EXACT, _LONG = 2**53, 2**63


@dataclass(frozen=True, slots=True)
class Columns:
    """The values of each column, in the order of *types*, which are Spark's by their names."""

    types: Mapping[str, str]
    values: Sequence[Sequence[Any]]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.values[0]) if self.values else 0


def plain_columns(given: Mapping[str, Sequence[Any]]) -> Columns | None:
    """Values that came as JSON with the types that Arrow would find; None where it had better say them.

    >>> plain_columns({"a": [1, 2.5], "b": [None, ["x"]]}).types
    {'a': 'double', 'b': 'array<string>'}
    """
    kinds = {name: _kind(values) for name, values in given.items()}
    types = {name: kind for name, kind in kinds.items() if kind is not None}
    if len(types) < len(kinds):
        return None
    values = [doubles(each) if "double" in types[name] else each for name, each in given.items()]
    return Columns(types, values)


def read_stream(stream: bytes) -> Columns:
    """The columns of an Arrow stream."""
    import pyarrow as pa

    table = pa.ipc.open_stream(stream).read_all()
    types = {each.name: _type_of(each) for each in table.schema}
    return Columns(types, [each.to_pylist() for each in table.columns])


def write_stream(columns: Columns) -> bytes:
    """The inverse of :func:`read_stream`."""
    import pyarrow as pa

    arrays = [
        pa.array(values, arrow_type(kind))
        for kind, values in zip(columns.types.values(), columns.values, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=[*columns.types])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def _type_of(field: Any) -> str:
    if (field.metadata or {}).get(b"mlsql.form") == b"vector":
        return "vector"
    kind = spark_type(field.type)
    if kind is None:
        raise NotCarriedOver(f"the column '{field.name}' of the type {field.type}")
    return kind


def _kind(values: Sequence[Any]) -> str | None:
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {list}:
        element = _kind([*chain.from_iterable(each for each in values if each is not None)])
        return None if element in (None, "void") else f"array<{element}>"
    if kinds == {int}:
        return "bigint" if all(each is None or -_LONG <= each < _LONG for each in values) else None
    if kinds <= {int, float} and kinds:
        is_exact = all(type(each) is not int or abs(each) <= _EXACT for each in values)
        return "double" if is_exact else None
    return {frozenset(): "void", frozenset({str}): "string", frozenset({bool}): "boolean"}.get(
        frozenset(kinds)
    )
