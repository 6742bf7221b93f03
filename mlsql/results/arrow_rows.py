"""Rows of a frame as Arrow batches, with their types, and batches as the plain values of a result.

Numbers, texts, instants, dates, lists, maps and structs are Arrow's own; vectors and matrices are
lists of doubles, intervals are Spark's text, variants are JSON (which the field's metadata says).
The plain values are those of :mod:`mlsql.results.formats`, whether rows come from Spark or from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, repeat
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyspark.sql import types

from mlsql.results.cells import cell
from mlsql.results.formats import (
    base64_text,
    distinct_names,
    exact_integer,
    finite,
    plain_json,
    shortest_float,
)

Convert = Callable[[Any], Any]

_JSON = {b"mlsql.form": b"json"}
"""The metadata of a field whose texts are JSON."""

_LEAVES: Mapping[type[types.DataType], pa.DataType] = {
    types.NullType: pa.null(),
    types.BooleanType: pa.bool_(),
    types.ByteType: pa.int8(),
    types.ShortType: pa.int16(),
    types.IntegerType: pa.int32(),
    types.LongType: pa.int64(),
    types.FloatType: pa.float32(),
    types.DoubleType: pa.float64(),
    types.BinaryType: pa.binary(),
    types.TimestampType: pa.timestamp("us", "UTC"),
    types.TimestampNTZType: pa.timestamp("us"),
    types.DateType: pa.date32(),
}
"""What is not here, and has no parts, is text."""


def arrow_schema(schema: types.StructType) -> pa.Schema:
    """The Arrow types of a frame's columns."""
    return pa.schema([_field(each.name, each.dataType) for each in schema])


def arrow_batches(schema: types.StructType, rows: Iterator[Any], size: int) -> Iterator[pa.RecordBatch]:
    """Rows as :func:`mlsql.results.formats.raw_rows` gives them, *size* at a time."""
    arrow, encoders = arrow_schema(schema), [_encoder(each.dataType) for each in schema]
    while taken := list(islice(rows, size)):
        columns = [
            pa.array([encode(row[number]) for row in taken], field.type)
            for number, (encode, field) in enumerate(zip(encoders, arrow, strict=True))
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=arrow)


def plain_rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """The rows of *batches* as a result says them."""
    decoders = [_decoder(each) for each in schema]
    readable = [_readable(each.type) for each in schema]
    for batch in batches:
        columns = [
            map(decode, column.cast(kind).to_pylist())
            for decode, kind, column in zip(decoders, readable, batch.columns, strict=True)
        ]
        yield from zip(*columns, strict=True) if columns else repeat((), batch.num_rows)


def _field(name: str, kind: types.DataType) -> pa.Field:
    return pa.field(name, _arrow_type(kind), metadata=_JSON if isinstance(kind, types.VariantType) else None)


def _arrow_type(kind: types.DataType) -> pa.DataType:
    match kind:
        case types.DecimalType():
            return pa.decimal128(kind.precision, kind.scale)
        case types.ArrayType():
            return pa.list_(_field("element", kind.elementType))
        case types.MapType():
            key = pa.field("key", _arrow_type(kind.keyType), nullable=False)
            return pa.map_(key, _field("value", kind.valueType))
        case types.StructType():
            distinct_names(tuple(kind.names))
            return pa.struct([_field(each.name, each.dataType) for each in kind])
        case types.UserDefinedType():
            depth = _depth(kind)
            return _nested(depth) if depth else _arrow_type(kind.sqlType())
        case _:
            return _LEAVES.get(type(kind), pa.string())


def _depth(kind: Any) -> int:
    """How deep the lists of doubles lie that stand for a vector (1) or a matrix (2); 0 for other types."""
    from pyspark.ml.linalg import MatrixUDT, VectorUDT

    return 1 if isinstance(kind, VectorUDT) else 2 if isinstance(kind, MatrixUDT) else 0


def _nested(depth: int) -> pa.DataType:
    return pa.list_(pa.float64() if depth == 1 else _nested(depth - 1))


def _encoder(kind: types.DataType) -> Convert:
    """How a value that PySpark read becomes one that Arrow takes."""
    match kind:
        case types.ArrayType():
            element = _encoder(kind.elementType)
            return _of_values(lambda value: [element(each) for each in value])
        case types.MapType():
            key, item = _encoder(kind.keyType), _encoder(kind.valueType)
            return _of_values(lambda value: [(key(name), item(each)) for name, each in value.items()])
        case types.StructType():
            fields = [_encoder(each.dataType) for each in kind]
            return _of_values(
                lambda value: tuple(encode(each) for encode, each in zip(fields, value, strict=True))
            )
        case types.UserDefinedType():
            return _user_defined_encoder(kind)
        case _:
            convert = _TAKEN.get(type(kind))
            return _of_values(convert) if convert else _as_it_is


def _user_defined_encoder(kind: Any) -> Convert:
    if _depth(kind):
        return _of_values(lambda value: value.toArray().tolist())
    stored = _encoder(kind.sqlType())
    return _of_values(lambda value: stored(kind.serialize(value)))


def _readable(kind: pa.DataType) -> pa.DataType:
    """*kind* with counts in place of times, of which Python knows but the years 1 to 9999."""
    if pa.types.is_timestamp(kind):
        return pa.int64()
    if pa.types.is_date32(kind):
        return pa.int32()
    if pa.types.is_list(kind):
        return pa.list_(_readable_field(kind.value_field))
    if pa.types.is_map(kind):
        return pa.map_(_readable_field(kind.key_field), _readable_field(kind.item_field))
    if pa.types.is_struct(kind):
        return pa.struct([_readable_field(each) for each in kind])
    return kind


def _readable_field(field: pa.Field) -> pa.Field:
    return field.with_type(_readable(field.type))


def _decoder(field: pa.Field) -> Convert:
    """How a value of a batch becomes one that JSON can say."""
    kind = field.type
    if pa.types.is_list(kind):
        element = _decoder(kind.value_field)
        return _of_values(lambda value: [element(each) for each in value])
    if pa.types.is_map(kind):
        key, item = _decoder(kind.key_field), _decoder(kind.item_field)
        return _of_values(lambda value: {cell(key(name)): item(each) for name, each in value})
    if pa.types.is_struct(kind):
        fields = {each.name: _decoder(each) for each in kind}
        return _of_values(lambda value: {name: decode(value[name]) for name, decode in fields.items()})
    return _leaf_decoder(field)


def _leaf_decoder(field: pa.Field) -> Convert:
    kind = field.type
    if pa.types.is_decimal(kind):
        return _of_values("{:f}".format)
    if pa.types.is_timestamp(kind):
        return _of_values(_instant if kind.tz else _local_time)
    if field.metadata == _JSON:
        return _of_values(plain_json)
    convert = _PLAIN.get(kind)
    return _of_values(convert) if convert else _as_it_is


def _of_values(convert: Convert) -> Convert:
    """*convert*, which leaves null what it is."""
    return lambda value: None if value is None else convert(value)


def _as_it_is(value: Any) -> Any:
    return value


def _count(text: str, unit: Literal["us", "D"]) -> int:
    """Spark's text of a date or a local time as a count of *unit* since 1970."""
    return int(np.datetime64(text.lstrip("+").replace(" ", "T"), unit).astype(np.int64))


def _instant(count: int) -> str:
    return str(np.datetime64(count, "us")).removesuffix(".000000") + "Z"


def _local_time(count: int) -> str:
    whole, _, fraction = str(np.datetime64(count, "us")).partition(".")
    fraction = fraction.rstrip("0")
    return _signed(f"{whole}.{fraction}" if fraction else whole)


def _date(count: int) -> str:
    return _signed(str(np.datetime64(count, "D")))


def _signed(text: str) -> str:
    """Years of more than four digits bear a sign, as in Spark's texts."""
    return "+" + text if text.find("-") > len("9999") else text


_TAKEN: Mapping[type[types.DataType], Convert] = {
    types.TimestampType: lambda seconds: int(seconds.scaleb(6)),
    types.TimestampNTZType: lambda text: _count(text, "us"),
    types.DateType: lambda text: _count(text, "D"),
    types.VariantType: lambda value: value.toJson(),
}
"""What Arrow does not take as PySpark gives it."""

_PLAIN: Mapping[pa.DataType, Convert] = {
    pa.int64(): exact_integer,
    pa.float32(): shortest_float,
    pa.float64(): finite,
    pa.binary(): base64_text,
    pa.date32(): _date,
}
